"""The pages that a browser shows at the end of a sign-in: no script, nothing from elsewhere."""

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from typing import Literal

from gateway.logins.login import Login
from gateway.upstream.signin.callback import CallbackRefused
from gateway.upstream.signin.issued import Why

Language = Literal["en", "zh"]

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;padding:3rem 1rem;max-width:36rem}"
    "h1{font-size:1.4rem}p{margin:1rem 0;overflow-wrap:anywhere}"
    "code.code{font-size:2rem;letter-spacing:.1em}"
    "a.button,button{display:inline-block;font:inherit;padding:.5rem 1rem;border-radius:.4rem;"
    "border:1px solid;text-decoration:none;background:none;color:inherit;cursor:pointer}"
    "textarea{width:100%;box-sizing:border-box;font:inherit;min-height:5rem}"
    ".problem{border-left:.3rem solid #d33;padding-left:1rem}"
    "label{display:block;margin:.5rem 0}small{opacity:.7}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

_TEXTS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "completed": "Signed in",
        "completed_text": "The account is ready. You can close this page.",
        "error": "The sign-in failed",
        "expired": "The sign-in has expired",
        "cancelled": "The sign-in was cancelled",
        "finishing": "One moment",
        "finishing_text": "The gateway is finishing the sign-in. This page goes on by itself.",
        "browser": "Waiting for the sign-in page",
        "browser_text": "Sign in there; this page has nothing more to do.",
        "device": "Confirm the code",
        "device_text": "Open the page below. Allow the access only if it shows exactly this code:",
        "device_link": "Open the page",
        "device_wait": "This page goes on by itself once that is done.",
        "identity_provider": "Sign in at your organisation",
        "idp_text": "1. Open your organisation's page and sign in there.",
        "idp_link": "Open the page",
        "idp_paste": "2. The browser then ends on an address that it cannot open, beginning with "
        "kiro://kiro.oauth/callback. Copy that address and paste it here:",
        "submit": "Go on",
        "profile": "Choose a profile",
        "profile_text": "This sign-in can use several profiles. Which one shall the account use?",
        "refused": "This address changes nothing",
        "malformed": "It is not an answer to a sign-in.",
        "no_state": "It does not say which sign-in it belongs to, so it is passed over. If Kiro's "
        "page has sent you here, sign in with a device code instead: with the start URL and region "
        "of your organisation, in the admin pages or with kiro-gateway accounts login --method "
        "device.",
        "foreign_state": "It belongs to no sign-in that is waiting, or has been used already. If a "
        "sign-in of yours is going on, use the page that it has opened.",
        "tokens": "It holds tokens. Those are never taken from an address.",
        "provider": "It names an identity provider or a start URL that must not be used.",
        "other": "It was not taken. The sign-in goes on waiting.",
        "missing": "There is nothing here",
        "missing_text": "This port only waits for browsers that come back from a sign-in.",
    },
    "zh": {
        "completed": "登录成功",
        "completed_text": "账号已就绪，可以关闭此页面。",
        "error": "登录失败",
        "expired": "登录已过期",
        "cancelled": "登录已取消",
        "cancelled_text": "没有任何更改，可以关闭此页面。",
        "finishing": "请稍候",
        "finishing_text": "网关正在完成登录，此页面会自动继续。",
        "browser": "正在等待登录页面",
        "browser_text": "请在登录页面中登录，此页面无需其他操作。",
        "device": "确认代码",
        "device_text": "请打开下面的页面。只有当页面显示的代码与此完全一致时才允许访问：",
        "device_link": "打开页面",
        "device_wait": "确认后此页面会自动继续。",
        "identity_provider": "在贵组织登录",
        "idp_text": "1. 打开贵组织的登录页面并登录。",
        "idp_link": "打开页面",
        "idp_paste": "2. 随后浏览器会停在一个无法打开的地址上，以 kiro://kiro.oauth/callback 开头。"
        "请复制该地址并粘贴到这里：",
        "submit": "继续",
        "profile": "选择配置文件",
        "profile_text": "此登录可以使用多个配置文件，账号应使用哪一个？",
        "refused": "此地址不会产生任何更改",
        "malformed": "它不是登录的回复。",
        "no_state": "它没有说明属于哪一次登录，因此被忽略。如果是 Kiro 页面把您带到这里，"
        "请改用设备代码登录：在管理页面中，或使用 kiro-gateway accounts login --method device，"
        "并填写贵组织的 Start URL 和区域。",
        "foreign_state": "它不属于任何正在等待的登录，或者已经使用过。如果您的登录正在进行，"
        "请使用它所打开的页面。",
        "tokens": "它包含令牌，网关从不接受地址中的令牌。",
        "provider": "它指定的身份提供方或 Start URL 不能使用。",
        "other": "该地址未被接受，登录仍在等待。",
        "missing": "这里没有内容",
        "missing_text": "此端口只等待从登录页面返回的浏览器。",
    },
}

# In English a sign-in tells these itself.
_WHY_ZH: Mapping[Why, str] = {
    "denied": "登录在浏览器中被拒绝。请重新开始，并在浏览器中允许访问。",
    "expired": "未在规定时间内完成登录，请重新开始。",
    "code_refused": "登录服务没有接受该代码：代码只能使用一次，且很快过期。请重新开始登录。",
    "client_refused": "登录服务不再认识此客户端，请重新开始登录。",
    "refused": "登录服务拒绝了此次登录，请检查后重新开始。",
    "no_refresh_token": "登录服务没有提供刷新令牌，账号会在一小时内被登出，因此没有保存任何内容。"
    "请让组织的管理员为此客户端允许离线访问，或使用其他登录方式。",
    "no_token": "登录服务的回复中没有令牌，请重新开始登录。",
    "no_profile": "此登录没有可用的 Kiro 配置文件，因此没有保存任何内容。"
    "请让组织的管理员分配订阅。",
    "unreachable": "无法连接登录服务，请检查网络后重新开始登录。",
    "account_removed": "账号在登录过程中被删除，没有保存任何内容。",
    "internal": "网关内部错误导致登录结束，详情见其日志。请重试。",
}


def language_of(accept: str) -> Language:
    """The one of ours that a browser's Accept-Language likes best."""
    liked: list[tuple[float, Language]] = []
    for item in accept[:1000].split(","):
        tag, _, rest = item.partition(";")
        try:
            quality = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            continue
        match tag.strip().lower()[:2]:
            case "zh":
                liked.append((quality, "zh"))
            case "en" | "*":
                liked.append((quality, "en"))
    return max(liked, key=lambda pair: pair[0], default=(0.0, "en"))[1]


def login_page(login: Login, language: Language, *, problem: Exception | None = None) -> str:
    """Where a sign-in stands, and what its person can do here."""
    texts = _TEXTS[language]
    parts: list[str] = []
    if problem is not None:
        parts.append(_problem(problem, texts, language))
    if login.is_over:
        parts.append(_result(login, texts, language))
        return _page(texts[login.status], parts, language)
    match login.step:
        case "device":
            parts += [
                _text(texts["device_text"]),
                f'<p><code class="code">{escape(login.user_code)}</code></p>',
                _link(login.verification_uri_complete, texts["device_link"]),
                _text(texts["device_wait"]),
            ]
        case "identity_provider":
            parts += [
                _text(texts["idp_text"]),
                _link(login.provider_url, texts["idp_link"]),
                _form(
                    login,
                    f"<label>{escape(texts['idp_paste'])}"
                    '<textarea name="address" required autocomplete="off" spellcheck="false">'
                    "</textarea></label>",
                    texts,
                ),
            ]
        case "profile":
            choices = "".join(
                f'<label><input type="radio" name="profile" required value="{escape(each.arn)}"'
                f"{' checked' if each.arn == login.current_profile else ''}> {escape(each.name)} "
                f"<small>{escape(each.arn)}</small></label>"
                for each in login.profiles
            )
            parts += [_text(texts["profile_text"]), _form(login, choices, texts)]
        case _:
            parts.append(_text(texts[f"{login.step}_text"]))
    return _page(texts[login.step], parts, language)


def refused_page(problem: Exception, language: Language) -> str:
    """For an address that is not taken."""
    texts = _TEXTS[language]
    return _page(texts["refused"], [_problem(problem, texts, language)], language)


def missing_page(language: Language) -> str:
    """For everything else that is asked for."""
    texts = _TEXTS[language]
    return _page(texts["missing"], [_text(texts["missing_text"])], language)


def _problem(problem: Exception, texts: Mapping[str, str], language: Language) -> str:
    kind = problem.kind if isinstance(problem, CallbackRefused) else "other"
    said = _text(texts[kind])
    if kind in {"provider", "other"} or (kind == "malformed" and language == "en"):
        said += f"<p><small>{escape(str(problem))}</small></p>"
    return f'<div class="problem" role="alert">{said}</div>'


def _result(login: Login, texts: Mapping[str, str], language: Language) -> str:
    said = texts.get(f"{login.status}_text", "")
    if language == "zh":
        return _text(_WHY_ZH[login.why] if login.why is not None else said)
    return _text(login.message) + (_text(said) if login.status == "completed" else "")


def _text(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _link(address: str, text: str) -> str:
    return (
        f'<p><a class="button" href="{escape(address)}" target="_blank" '
        f'rel="noopener noreferrer">{escape(text)}</a></p>'
    )


def _form(login: Login, inside: str, texts: Mapping[str, str]) -> str:
    return (
        f'<form method="post" action="/login/{escape(login.page)}">{inside}'
        f"<p><button>{escape(texts['submit'])}</button></p></form>"
    )


def _page(title: str, parts: list[str], language: Language) -> str:
    lang = "zh-CN" if language == "zh" else "en"
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} · Kiro Gateway</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{''.join(parts)}</main></body></html>"
    )
