import pytest

from ship.build import references


def missing(path: str, text: str, *, others: dict[str, str] | None = None) -> list[str]:
    """The references of one file, when the site has no other."""
    found = references.missing({path: text, **(others or {})}, lambda _: False)
    return [one.reference for one in found]


@pytest.mark.parametrize(
    ("path", "text", "reference", "target"),
    [
        ("a/b.html", "<script src='x.js'></script>", "x.js", "a/x.js"),
        ("a/b.html", "<IMG SRC=../x%20y.png?v=1#z>", "../x%20y.png?v=1#z", "x y.png"),
        ("a/b.html", '<link rel="shortcut icon" href="/x.ico">', "/x.ico", "x.ico"),
        ("a/b.html", "<video><source src=größe.mp4></video>", "größe.mp4", "a/größe.mp4"),
        ("a/b.html", "<base href=/c/><img src=x.png>", "x.png", "c/x.png"),
        ("a/b.css", "@import 'x.css';", "x.css", "a/x.css"),
        ("a/b.css", '@import url("x.css") screen;', "x.css", "a/x.css"),
        ("a/b.css", "a{b:url( ../x.woff2 )}", "../x.woff2", "x.woff2"),
        ("a/b.js", "import './x.js'", "./x.js", "a/x.js"),
        ("a/b.js", "import{a as b,c}from'../x.js';", "../x.js", "x.js"),
        ("a/b.js", "import d,* as e from './x.js'", "./x.js", "a/x.js"),
        ("a/b.mjs", 'export*from"/x.js"', "/x.js", "x.js"),
        ("a/b.js", "const x=`${await import('./x.js')}`", "./x.js", "a/x.js"),
        (
            "a/b.js",
            "if(a)/[\"'/]/.test(b);i++/2;import('./x.json',{with:{}})",
            "./x.json",
            "a/x.json",
        ),
    ],
)
def test_what_a_browser_asks_for_is_found(
    path: str, text: str, reference: str, target: str
) -> None:
    found = list(references.missing({path: text}, lambda _: False))

    assert found == [references.Missing(path, reference, target)]
    assert list(references.missing({path: text}, {target}.__contains__)) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.html", "<!-- <img src=x.png> --><pre>&lt;img src=x.png></pre>"),
        ("a.html", "<script>const a = '<img src=x.png>'</script>"),
        ("a.html", "<template><img src=x.png></template>"),
        ("a.html", "<img src='data:image/png;base64,x'><img src=''><img src>"),
        ("a.html", "<img src=//cdn.example.org/x.png><img src=https://example.org/x.png>"),
        ("a.html", "<base href=https://example.org/><img src=x.png>"),
        ("a.html", "<a href=x.html>x</a><link rel=canonical href=/x><link rel=next href=/y>"),
        ("a.html", "<img src={{photo}}>"),
        ("a.css", "/* url(x.png) */a{content:'url(x.png)';b:url(#c);d:url(data:x)}"),
        ("a.css", "@namespace svg url(http://www.w3.org/2000/svg);a{b:my-url(x.png)}"),
        ("a.css", "@font-face{src:url(x.eot);src:url(x.eot?#iefix)}"),
        ("a.js", "// import './x.js'\n/* import './x.js' */"),
        ("a.js", "a = \"import './x.js'\"; b = `import './x.js'`"),
        ("a.js", "a.import('./x.js'); b = {import: './x.js'}; import(`./${c}.js`)"),
        ("a.js", "import x from 'library'; import './source'; import('./x.js' + y)"),
        ("a.js", "const a = 'never ends\nimport './x.js'"),
        ("a.txt", "<img src=x.png>"),
    ],
)
def test_what_is_not_surely_asked_for_is_left_alone(path: str, text: str) -> None:
    assert missing(path, text) == []


def test_an_import_map_gives_names_another_meaning() -> None:
    page = '<script type="importmap">{"imports": {"/x.js": "/y.js"}}</script>'

    assert missing("a.js", "import './x.js'") == ["./x.js"]
    assert missing("a.js", "import './x.js'", others={"index.html": page}) == []
