"""What a browser is shown. Plain HTML without scripts, so that anything can press its buttons."""

from collections.abc import Mapping
from html import escape

from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway.simulator.refusals import Refusal

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem;"
    "color-scheme:light dark}button{font:inherit;display:block;margin:.5rem 0;padding:.5rem 1rem}"
    "input{font:inherit;padding:.3rem;width:100%;box-sizing:border-box}label{display:block;"
    "margin:1rem 0}code{font-size:1.3em}"
)
_HEADERS = {"cache-control": "no-store", "referrer-policy": "no-referrer"}


def show(title: str, *parts: str, status: int = 200) -> Response:
    """A page; its parts are HTML."""
    return HTMLResponse(_document(title, *parts), status, _HEADERS)


def go_to(address: str, *parts: str) -> Response:
    """Send the browser elsewhere; the parts are for those who do not follow."""
    answer = RedirectResponse(address, 302, _HEADERS)
    answer.body = _document("Continue", *parts, paragraph(address)).encode()
    answer.headers["content-length"] = str(len(answer.body))
    answer.headers["content-type"] = "text/html; charset=utf-8"
    return answer


def end_at(address: str) -> Response:
    """The last page of a sign-in whose address belongs to a program that may be elsewhere."""
    return show(
        "Back to your program",
        paragraph("Your browser may not be able to open this address. Copy it from here:"),
        f'<label>Address <input id="address" readonly value="{escape(address)}"></label>',
        f'<p><a href="{escape(address)}">Open it</a></p>',
    )


def page_refusal(text: str, status: int = 400) -> Refusal:
    """A page that says what is wrong, as the real one would, without the details of the log."""
    body = _document("This cannot go on", paragraph(text)).encode()
    return Refusal(status, body, tuple(_HEADERS.items()), "text/html; charset=utf-8")


def paragraph(text: str) -> str:
    """A text as HTML."""
    return f"<p>{escape(text)}</p>"


def text_field(name: str, label: str, value: str = "") -> str:
    """An input with its label, as HTML."""
    return f'<label>{escape(label)} <input name="{escape(name)}" value="{escape(value)}"></label>'


def button(name: str, value: str, label: str) -> str:
    """A button that sends its form, as HTML."""
    return (
        f'<button type="submit" name="{escape(name)}" value="{escape(value)}">'
        f"{escape(label)}</button>"
    )


def form(hidden: Mapping[str, str], *parts: str) -> str:
    """A form that is posted to the page's own path, as HTML."""
    kept = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in hidden.items()
    )
    return f'<form method="post">{kept}{"".join(parts)}</form>'


def _document(title: str, *parts: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
        f"{''.join(parts)}<p><small>This is a simulated service. Nothing here is real."
        "</small></p></main></body></html>"
    )
