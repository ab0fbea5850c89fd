#!/bin/sh
# Installs, replaces or removes Kiro Gateway, for this user alone; root is not needed.
#
#   curl -fsSL https://raw.githubusercontent.com/pinealctx/kiro-gateway/main/scripts/install.sh | sh
#   … | sh -s -- --version v1.2.3     a version of your choice
#   ./install.sh                      in an unpacked archive: what lies beside it
#   ./install.sh --uninstall          the program and its PATH line; add --purge for the data too
#
# Environment: KIRO_GATEWAY_VERSION as --version; KIRO_GATEWAY_RELEASES_URL another place that
# serves latest/download/FILE and download/VERSION/FILE; HTTPS_PROXY and the like.
#
# All of it is functions and the last line calls them, so that half a download does nothing.

set -eu

PROGRAM=kiro-gateway
RELEASES=${KIRO_GATEWAY_RELEASES_URL:-https://github.com/pinealctx/kiro-gateway/releases}
HOME_FOLDER=$HOME/.kiro-gateway
BIN=$HOME_FOLDER/bin
WHEEL="With Python 3.11 or newer, pip installs the .whl file of the release: $RELEASES"
MARKER="# kiro-gateway PATH"

release_keys() {
    # Between the two lines stand the public keys, PEM; make release-key writes them.
    cat <<'END'
release keys begin
release keys end
END
}

say() { printf '%s\n' "$*"; }

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

usage() {
    cat <<END
Usage: install.sh [--version VERSION] [--no-path] [--uninstall [--purge]] [--help]

  --version VERSION  install this version instead of the newest, such as v1.2.3
  --no-path          leave the shell's profile alone
  --uninstall        remove the program and its PATH line; accounts and keys stay
  --purge            with --uninstall: also remove $HOME_FOLDER with all accounts and keys
END
}

main() {
    wanted=${KIRO_GATEWAY_VERSION:-}
    path=yes task=install purge=no
    while [ $# -gt 0 ]; do
        case $1 in
            --version)
                [ $# -ge 2 ] || fail "--version needs a version, such as v1.2.3"
                wanted=$2
                shift
                ;;
            --version=*) wanted=${1#*=} ;;
            --no-path) path=no ;;
            --uninstall) task=uninstall ;;
            --purge) purge=yes ;;
            --help | -h)
                usage
                return
                ;;
            *) fail "unknown option $1. See: install.sh --help" ;;
        esac
        shift
    done
    if [ "$task" = uninstall ]; then
        uninstall
        return
    fi
    [ "$purge" = no ] || fail "--purge goes with --uninstall"
    find_system
    # In the folder of the program, where the new file can take the place of the old one at once.
    umask 077
    mkdir -p "$BIN" || fail "cannot make $BIN. Check who owns $HOME_FOLDER."
    # What was left by one that was killed.
    find "$BIN" -maxdepth 1 -name '.install.*' -mmin +60 -exec rm -rf {} + 2>/dev/null || true
    scratch=$(mktemp -d "$BIN/.install.XXXXXX") || fail "cannot write into $BIN"
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    beside=$(program_beside)
    if [ -n "$beside" ] && [ -z "$wanted" ]; then
        cp "$beside" "$scratch/$PROGRAM" || fail "cannot read $beside"
        say "Installing the program that lies beside this script."
    else
        download
    fi
    put_in_place
    [ "$path" = no ] || add_to_path
    say "Run: $PROGRAM --help"
}

find_system() {
    case $(uname -s) in
        Linux) system=linux ;;
        Darwin) system=darwin ;;
        *) fail "this is for Linux and macOS; on Windows use install.ps1" ;;
    esac
    case $(uname -m) in
        x86_64 | amd64) machine=amd64 ;;
        arm64 | aarch64) machine=arm64 ;;
        *) fail "there is no download for $(uname -m). $WHEEL" ;;
    esac
    # A shell under Rosetta says x86_64 on a machine that is not.
    if [ "$system" = darwin ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || true)" = 1 ]; then
        machine=arm64
    fi
}

# The program of an unpacked archive. Piped into a shell, $0 is the shell's name, and whatever lies
# in the current folder is none of our business.
program_beside() {
    case $0 in
        install.sh | */install.sh) ;;
        *) return 0 ;;
    esac
    folder=$(cd "$(dirname "$0")" 2>/dev/null && pwd) || return 0
    if [ -f "$folder/install.sh" ] && [ -f "$folder/$PROGRAM" ]; then
        printf '%s\n' "$folder/$PROGRAM"
    fi
}

download() {
    case $wanted in
        "") folder=$RELEASES/latest/download ;;
        *[!0-9A-Za-z.+-]*) fail "$wanted is no version; it looks like v1.2.3" ;;
        *) folder=$RELEASES/download/v${wanted#v} ;;
    esac
    fetch "$folder/SHA256SUMS" "$scratch/SHA256SUMS" ||
        fail "cannot load $folder/SHA256SUMS. Is there such a version, and a way to the network?"
    check_signature "$folder"
    # The list names the files of its release, and with them the version.
    archive=$(sed -n "s/^[0-9a-f]\{64\} [ *]\($PROGRAM""_v[0-9A-Za-z.+-]*_${system}_$machine\.tar\.gz\)\$/\1/p" \
        "$scratch/SHA256SUMS")
    case $archive in
        "") fail "this release has no download for $system on $machine" ;;
        *"
"*) fail "SHA256SUMS names several downloads for $system on $machine" ;;
    esac
    version=${archive#"$PROGRAM"_}
    version=${version%"_${system}_$machine.tar.gz"}
    if [ -n "$wanted" ] && [ "$version" != "v${wanted#v}" ]; then
        fail "asked for v${wanted#v}, the server sent $version"
    fi
    refuse_downgrade
    say "Downloading $PROGRAM $version for $system on $machine"
    fetch "$RELEASES/download/$version/$archive" "$scratch/$archive" ||
        fail "the download of $archive broke off; nothing was changed. Try again."
    expected=$(grep " [ *]$archive\$" "$scratch/SHA256SUMS" | cut -c 1-64)
    [ "$(sha256 "$scratch/$archive")" = "$expected" ] ||
        fail "the checksum of $archive is wrong: it is damaged or not ours. Nothing was changed."
    inside=${archive%.tar.gz}/$PROGRAM
    tar -xzf "$scratch/$archive" -C "$scratch" "$inside" || fail "cannot unpack $archive. Is the disk full?"
    mv "$scratch/$inside" "$scratch/$PROGRAM"
}

fetch() {
    # A plain http address is for tests and mirrors on this machine.
    case $RELEASES in
        http://127.0.0.1[:/]* | http://localhost[:/]*) only='=http,https' ;;
        https://*) only='=https' ;;
        *) fail "KIRO_GATEWAY_RELEASES_URL must begin with https://" ;;
    esac
    if has curl; then
        curl --proto "$only" --proto-redir "$only" -fsSL --retry 2 --connect-timeout 20 -o "$2" "$1"
    elif has wget; then
        wget -q -T 60 -O "$2" "$1"
    else
        fail "curl or wget is needed. Install one of them and try again."
    fi
}

check_signature() {
    release_keys | sed '/release keys begin$/d; /release keys end$/d' >"$scratch/keys.pem"
    if [ ! -s "$scratch/keys.pem" ]; then
        say "This installer knows no release key: the checksum is checked, the signature is not."
        return
    fi
    # Ed25519 over a file is something that OpenSSL does from version 3 on.
    case $(openssl version 2>/dev/null || true) in
        "OpenSSL "[3-9]* | "OpenSSL "[1-9][0-9]*) ;;
        *)
            say "OpenSSL 3 is not here: the checksum is checked, the signature is not."
            return
            ;;
    esac
    fetch "$1/SHA256SUMS.sig" "$scratch/SHA256SUMS.sig" ||
        fail "the release is not signed: cannot load $1/SHA256SUMS.sig. Nothing was changed."
    awk -v folder="$scratch" '/BEGIN PUBLIC KEY/ { n++ } { print > (folder "/key-" n ".pem") }' \
        "$scratch/keys.pem"
    for key in "$scratch"/key-*.pem; do
        if openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$scratch/SHA256SUMS" \
            -sigfile "$scratch/SHA256SUMS.sig" >/dev/null 2>&1; then
            say "The signature is good."
            return
        fi
    done
    fail "the signature of SHA256SUMS is wrong: this is not a release of ours. Nothing was changed."
}

sha256() {
    if has sha256sum; then
        sha256sum "$1" | cut -c 1-64
    elif has shasum; then
        shasum -a 256 "$1" | cut -c 1-64
    elif has openssl; then
        openssl dgst -sha256 "$1" | sed 's/.*= *//'
    else
        fail "sha256sum, shasum or openssl is needed to check the download"
    fi
}

# Without a wish, an older version than the installed one is not what anybody means by newest.
refuse_downgrade() {
    [ -z "$wanted" ] && [ -x "$BIN/$PROGRAM" ] || return 0
    installed=$("$BIN/$PROGRAM" --version 2>/dev/null | sed -n "s/^$PROGRAM v\{0,1\}/v/p") || return 0
    if [ -n "$installed" ] && is_older "$version" "$installed"; then
        fail "the newest release is $version, and $installed is installed. To go back all the same: --version $version"
    fi
}

# Semantic versioning: is the first one older than the second?
is_older() {
    awk -v a="$1" -v b="$2" '
        function compare(x, y,   i, n, m, p, q) {
            n = split(x, p, "."); m = split(y, q, ".")
            for (i = 1; i <= n || i <= m; i++) {
                if (i > n) return -1
                if (i > m) return 1
                if (p[i] == q[i]) continue
                if (p[i] ~ /^[0-9]+$/ && q[i] ~ /^[0-9]+$/) {
                    if (p[i] + 0 != q[i] + 0) return p[i] + 0 < q[i] + 0 ? -1 : 1
                    continue
                }
                if (p[i] ~ /^[0-9]+$/) return -1
                if (q[i] ~ /^[0-9]+$/) return 1
                return p[i] "" < q[i] "" ? -1 : 1
            }
            return 0
        }
        BEGIN {
            sub(/^v/, "", a); sub(/^v/, "", b); sub(/\+.*/, "", a); sub(/\+.*/, "", b)
            i = index(a, "-"); pre_a = i ? substr(a, i + 1) : ""; if (i) a = substr(a, 1, i - 1)
            i = index(b, "-"); pre_b = i ? substr(b, i + 1) : ""; if (i) b = substr(b, 1, i - 1)
            order = compare(a, b)
            if (order == 0 && pre_a != pre_b) {
                if (pre_a == "") order = 1
                else if (pre_b == "") order = -1
                else order = compare(pre_a, pre_b)
            }
            exit order < 0 ? 0 : 1
        }'
}

put_in_place() {
    new=$scratch/$PROGRAM
    [ -s "$new" ] || fail "the program is empty. Is the disk full?"
    chmod 755 "$new"
    if ! says=$("$new" --version 2>&1); then
        case $says in
            # It unpacks its libraries into the temporary folder, which may be mounted noexec or full.
            *"failed to map segment"*) hint=" Set TMPDIR to a folder that programs may run from." ;;
            *GLIBC_* | *"not found"* | *"No such file"*)
                hint=" It needs glibc 2.28 or newer. $WHEEL"
                ;;
            *"Failed to extract"*) hint=" Make room in the temporary folder, or set TMPDIR to another." ;;
            *) hint= ;;
        esac
        fail "the program does not run here; nothing was changed.$hint It says: $says"
    fi
    # Kept under another name, so that kiro-gateway update --rollback has something to go back to.
    if [ -f "$BIN/$PROGRAM" ] && ! cmp -s "$BIN/$PROGRAM" "$new"; then
        if ! cp -p "$BIN/$PROGRAM" "$scratch/previous" || ! mv -f "$scratch/previous" "$BIN/$PROGRAM.previous"; then
            fail "cannot keep the old program as $BIN/$PROGRAM.previous; nothing was changed"
        fi
    fi
    # A running program cannot be written over, but its name can be given to another file.
    mv -f "$new" "$BIN/$PROGRAM" || fail "cannot write $BIN/$PROGRAM"
    say "Installed $says as $BIN/$PROGRAM"
    if has pgrep && pgrep -u "$(id -u)" -f "^$BIN/$PROGRAM( |\$)" >/dev/null 2>&1; then
        say "It is running; it goes on with the old version until you restart it."
    fi
}

profile_of_shell() {
    case ${SHELL##*/} in
        zsh) printf '%s\n' "${ZDOTDIR:-$HOME}/.zshrc" ;;
        bash)
            # A terminal on macOS starts login shells, which do not read .bashrc.
            if [ "$system" = darwin ]; then printf '%s\n' "$HOME/.bash_profile"; else printf '%s\n' "$HOME/.bashrc"; fi
            ;;
        fish) printf '%s\n' "${XDG_CONFIG_HOME:-$HOME/.config}/fish/conf.d/kiro-gateway.fish" ;;
        *) printf '%s\n' "$HOME/.profile" ;;
    esac
}

add_to_path() {
    case :$PATH: in
        *:"$BIN":*) return 0 ;;
    esac
    SHELL=${SHELL:-/bin/sh}
    profile=$(profile_of_shell)
    case $profile in
        *.fish) line="fish_add_path \$HOME/.kiro-gateway/bin" ;;
        *) line="export PATH=\"\$HOME/.kiro-gateway/bin:\$PATH\"" ;;
    esac
    if [ -f "$profile" ] && grep -qF "$MARKER" "$profile"; then
        say "Open a new terminal, and $PROGRAM is found: its folder is in $profile."
    elif mkdir -p "$(dirname "$profile")" 2>/dev/null &&
        printf '\n%s\n%s\n' "$MARKER" "$line" 2>/dev/null >>"$profile"; then
        say "Added $BIN to the PATH in $profile. Open a new terminal, or: export PATH=\"$BIN:\$PATH\""
    else
        say "Could not write $profile. Add this line to it: $line"
    fi
}

uninstall() {
    if [ -x "$BIN/$PROGRAM" ] && "$BIN/$PROGRAM" service --help >/dev/null 2>&1; then
        # Its service would start a program that is no more there.
        "$BIN/$PROGRAM" service uninstall --if-installed || fail "cannot remove the service; nothing was changed"
    fi
    if [ -e "$BIN/$PROGRAM" ]; then
        rm -f "$BIN/$PROGRAM" "$BIN/$PROGRAM.previous" || fail "cannot remove $BIN/$PROGRAM"
        say "Removed $BIN/$PROGRAM"
    else
        say "$BIN/$PROGRAM is not there."
    fi
    # What was left by updates that were killed.
    rm -rf "$BIN"/.install.* "$BIN"/.kiro-gateway-update-*
    rmdir "$BIN" 2>/dev/null || true
    for profile in "${ZDOTDIR:-$HOME}/.zshrc" "$HOME/.bashrc" "$HOME/.bash_profile" "$HOME/.profile" \
        "${XDG_CONFIG_HOME:-$HOME/.config}/fish/conf.d/kiro-gateway.fish"; do
        forget_in "$profile"
    done
    if [ "$purge" = yes ]; then
        rm -rf "$HOME_FOLDER" || fail "cannot remove $HOME_FOLDER"
        say "Removed $HOME_FOLDER with all accounts and keys."
    elif [ -d "$HOME_FOLDER" ]; then
        say "Accounts, keys and settings are still in $HOME_FOLDER; --uninstall --purge removes them."
    fi
}

# Takes the marker, the line after it and the empty line before it out of a profile.
forget_in() {
    [ -f "$1" ] && grep -qF "$MARKER" "$1" || return 0
    kept=$(mktemp) || return 0
    awk -v marker="$MARKER" '
        $0 == marker { skip = 1; blank = 0; next }
        skip { skip = 0; next }
        $0 == "" { if (blank) print ""; blank = 1; next }
        blank { print ""; blank = 0 }
        { print }
        END { if (blank) print "" }' "$1" >"$kept"
    if [ -s "$kept" ]; then
        # Written into, not replaced: a profile is often a link to somewhere else.
        cat "$kept" >"$1"
    else
        : >"$1"
    fi
    rm -f "$kept"
    say "Took the PATH line out of $1"
}

main "$@"
