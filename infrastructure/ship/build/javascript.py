"""Which modules a script imports by name, read as a browser reads it: not in strings or comments.

A scanner, not a parser: where it may have lost its way it finds nothing.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_PIECE = re.compile(
    r"""(?P<skipped>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<word>[\w$]+)
    |(?P<mark>\+\+|--|.)""",
    re.DOTALL | re.VERBOSE,
)
_REGEX = re.compile(r"/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/\w*")
# From a backtick or the brace that ends a substitution to the next of either.
_TEMPLATE = re.compile(r"[`}](?:\\.|\$(?!\{)|[^`\\$])*(?P<end>`|\$\{)", re.DOTALL)
# A slash divides what is before it, or begins a regular expression after one of these words.
_OPERATORS = {
    *("await", "case", "delete", "do", "else", "in", "instanceof", "new", "of", "return", "throw"),
    *("typeof", "void", "yield"),
}
_CONDITIONS = {"if", "while", "for", "with"}
_CLOSING = {")": "(", "]": "[", "}": "{"}


class _Token(NamedTuple):
    kind: str
    """"word", "string", "mark", or "value" for all other literals."""
    text: str


_END = _Token("mark", "")


class _LostError(Exception):
    """The text is not read right: a string or a pair of brackets does not end."""


def imports(text: str) -> list[str]:
    """The literal names in the `import` and `export … from` of a script, also in `import()`."""
    try:
        tokens = [*_Scanner(text).scan(), *[_END] * 3]
    except _LostError:
        return []
    found = []
    for place, token in enumerate(tokens):
        # A property may have the same name.
        is_keyword = token.kind == "word" and tokens[place - 1].text != "."
        if is_keyword and token.text in ("import", "export"):
            found.append(_module(token.text, tokens, place + 1))
    return [name for name in found if name and "\\" not in name]


def _module(keyword: str, tokens: list[_Token], place: int) -> str | None:
    """The module that is named after a keyword; none where no literal names one."""
    first, second, third = tokens[place : place + 3]
    if keyword == "import" and first.kind == "string":
        return first.text[1:-1]
    if keyword == "import" and first.text == "(":
        is_literal = second.kind == "string" and third.text in (")", ",")
        return second.text[1:-1] if is_literal else None
    if first.kind == "string":
        return None
    while (token := tokens[place]).kind in ("word", "string") or token.text in ("{", "}", ",", "*"):
        place += 1
        if token.text == "from" and tokens[place].kind == "string":
            return tokens[place].text[1:-1]
    return None


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[str] = []
        """What is open: brackets, "${" in a template, "if" for the bracket of a condition."""
        self._before = _END

    def scan(self) -> Iterator[_Token]:
        """Split the text.

        Raises:
            _LostError: something in it does not end.
        """
        position = 0
        while position < len(self._text):
            match = self._match_literal(position) or _PIECE.match(self._text, position)
            assert match  # noqa: S101 (any character is a mark)
            position = match.end()
            token = _Token(match.lastgroup or "value", match.group())
            if token.kind == "end":
                token = _Token("mark", "${") if match["end"] == "${" else _Token("value", "`")
            if token.kind == "skipped":
                continue
            if token.kind == "mark":
                token = self._follow(token)
            yield token
            self._before = token
        if self._open:
            raise _LostError

    def _match_literal(self, position: int) -> re.Match[str] | None:
        """A regular expression or a part of a template, if one begins here."""
        character = self._text[position]
        if character == "`" or (character == "}" and self._open[-1:] == ["${"]):
            if character == "}":
                self._open.pop()
            if match := _TEMPLATE.match(self._text, position):
                return match
            raise _LostError
        if character == "/" and not self._is_value(self._before):
            return _REGEX.match(self._text, position)
        return None

    def _is_value(self, token: _Token) -> bool:
        if token.kind == "word":
            return token.text not in _OPERATORS
        # After a block's brace comes a statement.
        return token.kind != "mark" or token.text in (")", "]", "++", "--")

    def _follow(self, token: _Token) -> _Token:
        """Keep track of what is open."""
        if token.text in ('"', "'"):
            raise _LostError
        if token.text == "(" and self._before.text in _CONDITIONS:
            self._open.append("if")
        elif token.text in ("(", "[", "{", "${"):
            self._open.append(token.text)
        elif token.text in _CLOSING:
            opened = self._open.pop() if self._open else ""
            if opened == "if" and token.text == ")":
                return _END  # A statement follows, which may begin with a regular expression.
            if opened != _CLOSING[token.text]:
                raise _LostError
        return token
