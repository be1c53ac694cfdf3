"""Which modules a script imports by name, as a parser reads it: not in strings or comments."""

from tree_sitter import Language, Parser, Query, QueryCursor
from tree_sitter_javascript import language

_LANGUAGE = Language(language())
_IMPORTS = Query(
    _LANGUAGE,
    """[
      (import_statement source: (string) @name)
      (export_statement source: (string) @name)
      (call_expression function: (import) arguments: (arguments . (string) @name))
    ]""",
)


def imports(text: str) -> list[str]:
    """The literal names in the `import` and `export … from` of a script, also in `import()`.

    None of a script that cannot be read whole.
    """
    root = Parser(_LANGUAGE).parse(text.encode()).root_node
    if root.has_error:
        return []
    found = QueryCursor(_IMPORTS).captures(root).get("name", [])
    names = [(node.text or b"").decode()[1:-1] for node in found]
    return [name for name in names if "\\" not in name]
