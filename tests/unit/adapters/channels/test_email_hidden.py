"""Words of HTML that nobody sees don't reach the text, and stay hidden in the HTML that is shown."""

from __future__ import annotations

import pytest

from adapters.channels.email.reading import html, plain

HIDDEN = (
    *("display:none", "DISPLAY: None !important", "visibility:hidden", "mso-hide:all", "opacity:0", "opacity: 0.0"),
    *("font-size:0", "font-size:0px", "font-size:1px", "font:0/0 a", "max-height:0", "max-height:0px;overflow:hidden"),
    *("height:0;overflow:hidden", "width:0px;overflow:hidden", "text-indent:-9999px", "position:absolute;left:-9999px"),
    *("color:#ffffff", "color:#FFF", "color:white", "color:rgb(255,255,255)", "color:#fefefe", "color:transparent"),
    *("background:#000;color:black", "background-color:#123456;color:#123457"),
)
SEEN = (
    *("display:block", "opacity:0.5", "font-size:10px", "max-height:100px", "height:0", "color:#fff;background:#000"),
    *("color:#fff;background:url(x.png)", "color:#eee", "line-height:0", "left:-10px", "width:0", "color:nonsense"),
)


@pytest.mark.parametrize("style", HIDDEN)
@pytest.mark.parametrize("tag", ["div", "span", "p", "td"])
def test_words_that_nobody_sees_are_no_words_of_the_mail(style: str, tag: str) -> None:
    source = f'<p>seen</p><{tag} style="{style}">Save <b>20%</b></{tag}><p>too</p>'
    assert plain.text_of(source).split() == ["seen", "too"]
    by_class = f'<style>/* x */ .pre, a:hover {{{style}}}</style><p>seen</p><{tag} class="a pre">Save</{tag}><p>too</p>'
    is_ground = "background" in style
    assert plain.text_of(by_class).split() == (["seen", "Save", "too"] if is_ground else ["seen", "too"])


@pytest.mark.parametrize("style", SEEN)
def test_words_that_somebody_may_see_stay(style: str) -> None:
    assert plain.text_of(f'<div style="{style}">Save</div>too').split() == ["Save", "too"]


def test_letters_have_the_size_and_colour_that_is_said_last() -> None:
    assert plain.text_of('<div style="font-size:0">a<p style="font-size:14px">b</p></div>c') == "b\n\nc"
    assert (
        plain.text_of('<table bgcolor="#000000"><tr><td><font color="#ffffff">white on black</font>')
        == "white on black"
    )
    assert plain.text_of('a<font color="white">b</font>c') == "ac"
    assert plain.text_of('<div style="display:none">a<p style="display:block">b</p></div>c') == "c"


def test_an_element_that_nobody_closes_ends_where_a_browser_ends_it() -> None:
    assert plain.text_of('<p style="display:none">a<p>b') == "b"
    assert plain.text_of('<table><tr><td style="display:none">a<td>b</table>') == "b"
    assert plain.text_of('x<img src="a" style="display:none" alt="y"><br hidden>z').split() == ["x", "z"]


def test_rules_for_some_screens_hide_nothing() -> None:
    css = "@media (max-width:600px) { .a { display:none } } .b { display:none }"
    assert plain.text_of(f"<style>{css}</style><i class=a>a</i><i class=b>b</i>") == "a"


def test_a_mail_of_which_all_is_hidden_is_shown() -> None:
    assert plain.text_of('<div style="display:none">My order is late.</div>') == "My order is late."


def test_what_styles_of_the_mail_hide_stays_hidden_in_the_html() -> None:
    source = "<style>.pre{display:none}</style><div class=pre>Save</div><p>hi</p>"
    assert html.clean(source) == '<div style="display:none">Save</div><p>hi</p>'
    assert html.clean("<div hidden>Save</div>") == '<div style="display:none">Save</div>'
