<#
.SYNOPSIS
Installs, replaces or removes Kiro Gateway, for this user alone. No administrator is needed.

.DESCRIPTION
  powershell -ExecutionPolicy Bypass -Command "iwr https://raw.githubusercontent.com/pinealctx/kiro-gateway/main/scripts/install.ps1 -UseB | iex"
  .\install.ps1                    in an unpacked archive: what lies beside it
  .\install.ps1 -Version v1.2.3    a version of your choice
  .\install.ps1 -Uninstall         the program and its PATH entry; add -Purge for the data too

Environment: INSTALL_DIR another folder than %LOCALAPPDATA%\Programs\kiro-gateway;
KIRO_GATEWAY_VERSION as -Version; KIRO_GATEWAY_RELEASES_URL another place that serves
latest/download/FILE and download/VERSION/FILE.

For Windows PowerShell 5.1 and PowerShell 7. Errors are thrown, never "exit": piped into iex that
would close the window.

.PARAMETER Version
Install this version instead of the newest.

.PARAMETER NoPath
Leave the PATH alone.

.PARAMETER Uninstall
Remove the program and its PATH entry; accounts and keys stay.

.PARAMETER Purge
With -Uninstall: also remove the data folder with all accounts and keys.
#>
param(
    [string]$Version = $env:KIRO_GATEWAY_VERSION,
    [switch]$NoPath,
    [switch]$Uninstall,
    [switch]$Purge
)

# Public keys, PEM; make release-key writes them between the two lines.
$ReleaseKeys = @'
release keys begin
release keys end
'@

$Program = 'kiro-gateway'
$ScriptFile = $PSCommandPath

function Get-Architecture {
    if ($PSVersionTable.PSEdition -eq 'Core' -and -not $IsWindows) {
        throw 'This is for Windows; on Linux and macOS use install.sh.'
    }
    $machine = $env:PROCESSOR_ARCHITEW6432
    if (-not $machine) { $machine = $env:PROCESSOR_ARCHITECTURE }
    switch ($machine) {
        'AMD64' { return 'amd64' }
        # There is no build of its own; Windows 11 runs this one.
        'ARM64' { return 'amd64' }
        default { throw "There is no download for $machine. With Python 3.11 or newer, pip installs the .whl file of the release." }
    }
}

function Get-InstallFolder {
    if ($env:INSTALL_DIR) { return $env:INSTALL_DIR }
    return Join-Path $env:LOCALAPPDATA "Programs\$Program"
}

function Get-ReleaseAddress {
    $address = $env:KIRO_GATEWAY_RELEASES_URL
    if (-not $address) { $address = 'https://github.com/pinealctx/kiro-gateway/releases' }
    # A plain http address is for tests and mirrors on this machine.
    if ($address -notmatch '^(https://|http://(127\.0\.0\.1|localhost)[:/])') {
        throw 'KIRO_GATEWAY_RELEASES_URL must begin with https://'
    }
    return $address.TrimEnd('/')
}

function Save-File([string]$Address, [string]$Path) {
    # The progress bar of 5.1 makes a download ten times slower.
    $ProgressPreference = 'SilentlyContinue'
    [Net.ServicePointManager]::SecurityProtocol =
        [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    try {
        Invoke-WebRequest -UseBasicParsing -Uri $Address -OutFile $Path -ErrorAction Stop
    }
    catch {
        throw "Cannot load $Address. Is there such a version, and a way to the network? Nothing was changed. ($_)"
    }
}

# Semantic versioning: less than 0 where the first is older, 0 where they are the same.
function Compare-Version([string]$First, [string]$Second) {
    $a = ($First -replace '^v', '' -replace '\+.*$', '') -split '-', 2
    $b = ($Second -replace '^v', '' -replace '\+.*$', '') -split '-', 2
    $order = Compare-Part $a[0] $b[0]
    if ($order -ne 0) { return $order }
    if ($a.Count -eq 1 -and $b.Count -eq 1) { return 0 }
    if ($a.Count -eq 1) { return 1 }
    if ($b.Count -eq 1) { return -1 }
    return Compare-Part $a[1] $b[1]
}

function Compare-Part([string]$First, [string]$Second) {
    $p = $First -split '\.'
    $q = $Second -split '\.'
    for ($i = 0; $i -lt [Math]::Max($p.Count, $q.Count); $i++) {
        if ($i -ge $p.Count) { return -1 }
        if ($i -ge $q.Count) { return 1 }
        $left = $p[$i]
        $right = $q[$i]
        if ($left -ceq $right) { continue }
        $leftIsNumber = $left -match '^\d+$'
        $rightIsNumber = $right -match '^\d+$'
        if ($leftIsNumber -and $rightIsNumber) {
            if ([decimal]$left -eq [decimal]$right) { continue }
            if ([decimal]$left -lt [decimal]$right) { return -1 } else { return 1 }
        }
        if ($leftIsNumber) { return -1 }
        if ($rightIsNumber) { return 1 }
        return [string]::CompareOrdinal($left, $right)
    }
    return 0
}

function Test-Signature([string]$Folder, [string]$Scratch) {
    $lines = $ReleaseKeys -split "`r?`n" | Where-Object { $_ -and $_ -notmatch 'release keys (begin|end)$' }
    if (-not $lines) {
        Write-Host 'This installer knows no release key: the checksum is checked, the signature is not.'
        return
    }
    # Ed25519 over a file is something that OpenSSL does from version 3 on, and Windows not at all.
    $openssl = Get-Command openssl -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    $says = if ($openssl) { & $openssl.Source version } else { '' }
    if ("$says" -notmatch '^OpenSSL ([3-9]|\d\d)') {
        Write-Host 'OpenSSL 3 is not here: the checksum is checked, the signature is not.'
        return
    }
    $signature = Join-Path $Scratch 'SHA256SUMS.sig'
    Save-File "$Folder/SHA256SUMS.sig" $signature
    $keys = ($lines -join "`n") -split '(?=-----BEGIN PUBLIC KEY-----)' | Where-Object { $_.Trim() }
    foreach ($pem in $keys) {
        $file = Join-Path $Scratch 'key.pem'
        [IO.File]::WriteAllText($file, "$pem`n")
        & $openssl.Source pkeyutl -verify -pubin -inkey $file -rawin -in (Join-Path $Scratch 'SHA256SUMS') -sigfile $signature *> $null
        if ($LASTEXITCODE -eq 0) {
            Write-Host 'The signature is good.'
            return
        }
    }
    throw 'The signature of SHA256SUMS is wrong: this is not a release of ours. Nothing was changed.'
}

# Gives the path of the program, downloaded, checked and unpacked.
function Get-Release([string]$Wanted, [string]$Scratch, [string]$Installed) {
    $machine = Get-Architecture
    $releases = Get-ReleaseAddress
    if (-not $Wanted) {
        $folder = "$releases/latest/download"
    }
    elseif ($Wanted -match '^v?[0-9A-Za-z.+-]+$') {
        $folder = "$releases/download/v$($Wanted -replace '^v', '')"
    }
    else {
        throw "$Wanted is no version; it looks like v1.2.3"
    }
    $sums = Join-Path $Scratch 'SHA256SUMS'
    Save-File "$folder/SHA256SUMS" $sums
    Test-Signature $folder $Scratch
    # The list names the files of its release, and with them the version.
    $form = "^([0-9a-f]{64}) [ *]($Program`_(v[0-9A-Za-z.+-]+)_windows_$machine\.zip)`$"
    $found = @(Get-Content $sums | Where-Object { $_ -cmatch $form })
    if ($found.Count -ne 1) { throw "This release has no download for Windows on $machine." }
    $null = $found[0] -cmatch $form
    $sha256 = $Matches[1]
    $archive = $Matches[2]
    $number = $Matches[3]
    if ($Wanted -and $number -cne "v$($Wanted -replace '^v', '')") {
        throw "Asked for $Wanted, the server sent $number."
    }
    # Without a wish, an older version than the installed one is not what anybody means by newest.
    if (-not $Wanted -and $Installed -and (Compare-Version $number $Installed) -lt 0) {
        throw "The newest release is $number, and $Installed is installed. To go back all the same: -Version $number"
    }
    Write-Host "Downloading $Program $number for Windows on $machine"
    $packed = Join-Path $Scratch $archive
    Save-File "$releases/download/$number/$archive" $packed
    if ((Get-FileHash -Algorithm SHA256 $packed).Hash -ne $sha256) {
        throw "The checksum of $archive is wrong: it is damaged or not ours. Nothing was changed."
    }
    Expand-Archive -Path $packed -DestinationPath $Scratch -Force
    $inside = Join-Path $Scratch (Join-Path ($archive -replace '\.zip$', '') "$Program.exe")
    if (-not (Test-Path -LiteralPath $inside)) { throw "$archive has no program in it. Nothing was changed." }
    return $inside
}

function Get-VersionOf([string]$Path) {
    if (-not (Test-Path -LiteralPath $Path)) { return '' }
    $says = & $Path --version 2>$null | Select-Object -Last 1
    if ($LASTEXITCODE -ne 0 -or "$says" -notmatch '(\S+)$') { return '' }
    return 'v' + ($Matches[1] -replace '^v', '')
}

function Install-Program([string]$New, [string]$Folder) {
    $target = Join-Path $Folder "$Program.exe"
    $previous = Join-Path $Folder "$Program.previous.exe"
    $number = Get-VersionOf $New
    if (-not $number) { throw 'The program does not run here. Nothing was changed.' }
    Get-ChildItem -LiteralPath $Folder -Filter "$Program.*.old.exe" |
        Remove-Item -Force -ErrorAction SilentlyContinue
    if (Test-Path -LiteralPath $target) {
        # What runs cannot be removed, but it can be renamed.
        if (Test-Path -LiteralPath $previous) {
            try { Remove-Item -LiteralPath $previous -Force -ErrorAction Stop }
            catch { Move-Item -LiteralPath $previous -Destination (Join-Path $Folder "$Program.$PID.old.exe") -Force -ErrorAction Stop }
        }
        Move-Item -LiteralPath $target -Destination $previous -ErrorAction Stop
    }
    try {
        Copy-Item -LiteralPath $New -Destination $target -ErrorAction Stop
    }
    catch {
        if (Test-Path -LiteralPath $previous) { Move-Item -LiteralPath $previous -Destination $target -Force }
        throw "Cannot write $target. Nothing was changed. ($_)"
    }
    Write-Host "Installed $Program $number as $target"
    if (Get-Process -Name $Program -ErrorAction SilentlyContinue) {
        Write-Host 'If it is running, it goes on with the old version until you restart it.'
    }
}

# The user's PATH as it is written, with its variables; setting it the short way would resolve them.
function Get-UserPath {
    $key = [Microsoft.Win32.Registry]::CurrentUser.OpenSubKey('Environment')
    try { return [string]$key.GetValue('Path', '', 'DoNotExpandEnvironmentNames') }
    finally { $key.Dispose() }
}

function Set-UserPath([string]$Value) {
    $key = [Microsoft.Win32.Registry]::CurrentUser.OpenSubKey('Environment', $true)
    try { $key.SetValue('Path', $Value, 'ExpandString') }
    finally { $key.Dispose() }
    # Setting any variable tells running programs that the environment has changed.
    [Environment]::SetEnvironmentVariable('KIRO_GATEWAY_INSTALLED', $null, 'User')
}

function Add-ToPath([string]$Folder) {
    $entries = @((Get-UserPath) -split ';' | Where-Object { $_ })
    if ($entries -notcontains $Folder) {
        Set-UserPath (@($entries) + $Folder -join ';')
        Write-Host "Added $Folder to your PATH. New windows know it."
    }
    if (($env:Path -split ';') -notcontains $Folder) { $env:Path = "$env:Path;$Folder" }
}

function Remove-Program([string]$Folder) {
    $target = Join-Path $Folder "$Program.exe"
    if (Test-Path -LiteralPath $target) {
        & $target service uninstall --if-installed
        if ($LASTEXITCODE -ne 0) { throw 'Cannot remove the service. Nothing was changed.' }
        Get-ChildItem -LiteralPath $Folder -Filter "$Program*.exe" | Remove-Item -Force -ErrorAction Stop
        Write-Host "Removed $target"
    }
    else {
        Write-Host "$target is not there."
    }
    $entries = @((Get-UserPath) -split ';' | Where-Object { $_ })
    if ($entries -contains $Folder) {
        Set-UserPath (@($entries | Where-Object { $_ -ne $Folder }) -join ';')
        Write-Host 'Took the folder out of your PATH.'
    }
    if ((Test-Path -LiteralPath $Folder) -and -not (Get-ChildItem -LiteralPath $Folder -Force)) {
        Remove-Item -LiteralPath $Folder
    }
    $data = Join-Path $HOME '.kiro-gateway'
    if ($Purge -and (Test-Path -LiteralPath $data)) {
        Remove-Item -LiteralPath $data -Recurse -Force -ErrorAction Stop
        Write-Host "Removed $data with all accounts and keys."
    }
    elseif (Test-Path -LiteralPath $data) {
        Write-Host "Accounts, keys and settings are still in $data; -Uninstall -Purge removes them."
    }
}

# All of it is functions and this one is called last, so that half a download does nothing.
function Invoke-Installer {
    $ErrorActionPreference = 'Stop'
    $folder = Get-InstallFolder
    $null = Get-Architecture
    if ($Uninstall) {
        Remove-Program $folder
        return
    }
    if ($Purge) { throw '-Purge goes with -Uninstall.' }
    $null = New-Item -ItemType Directory -Force -Path $folder
    $scratch = Join-Path $folder ('.install-' + [Guid]::NewGuid().ToString('N'))
    $null = New-Item -ItemType Directory -Path $scratch
    try {
        # Piped into iex there is no file, and whatever lies in the current folder is none of our business.
        $beside = if ($ScriptFile) { Join-Path (Split-Path $ScriptFile) "$Program.exe" } else { '' }
        if ($beside -and -not $Version -and (Split-Path $ScriptFile -Leaf) -eq 'install.ps1' -and (Test-Path -LiteralPath $beside)) {
            Write-Host 'Installing the program that lies beside this script.'
            $new = $beside
        }
        else {
            $new = Get-Release $Version $scratch (Get-VersionOf (Join-Path $folder "$Program.exe"))
        }
        Install-Program $new $folder
    }
    finally {
        Remove-Item -LiteralPath $scratch -Recurse -Force -ErrorAction SilentlyContinue
    }
    if (-not $NoPath) { Add-ToPath $folder }
    Write-Host "Run: $Program --help"
}

Invoke-Installer
