"""The parts of the workflow files that follow the project's list of environments.

GitHub takes no expression for a job's key or its `needs`, nor for the options of a choice, so
these are literals. https://docs.github.com/en/actions/reference/workflows-and-actions/contexts
A file marks them, at the block's indentation, with the kind of the block:

    # >>> environments: matrix
    environment: [dev, staging, production]
    # <<<

`matrix` is a list `environment: […]`, `options` a list `options: […]`. `last` is a line that ends
in the last environment, in single quotes, or in a list with it. In `jobs` stands a job per
environment, each needing the one before. The first job is the pattern of the others: its
environment's name stands as the job's key, at the end of `name:` and after `environment:`, and the
last of its `needs` is what the first job alone waits for.
"""

import re
from pathlib import Path

from ship.errors import ShipError

FOLDER = ".github/workflows"
_BLOCK = re.compile(
    r"^(?P<start>(?P<indent> *)# >>> environments: (?P<kind>\w+)\n)"
    r"(?P<body>.*?)^(?P=indent)# <<<\n",
    re.MULTILINE | re.DOTALL,
)
_HINT = "compare the file with the platform's version of it"


def outdated(root: Path, environments: tuple[str, ...]) -> dict[Path, str]:
    """The workflow files that do not follow the list, each with the text it must have."""
    found = {}
    for path in sorted((root / FOLDER).glob("*.y*ml")):
        text = path.read_text(encoding="utf-8")
        rendered = render(text, environments, path.name)
        if rendered != text:
            found[path] = rendered
    return found


def render(text: str, environments: tuple[str, ...], name: str = "the workflow") -> str:
    """A workflow's text with every marked block rendered for these environments.

    Raises:
        ShipError: a block does not end, its kind is unknown, or its first job is not a pattern.
    """

    def render_block(match: re.Match[str]) -> str:
        indent, kind = match["indent"], match["kind"]
        if kind == "jobs":
            rest = text[: match.start()] + text[match.end() :]
            for other in set(re.findall(rf"(?m)^{indent}([\w-]+):$", rest)) & {*environments}:
                raise ShipError(f"{name} has a job {other!r} already", "rename the environment")
            body = _render_jobs(match["body"], indent, environments, name)
        elif kind == "last":
            body = re.sub(r"'\w+'(?=\]?\n$)", f"'{environments[-1]}'", match["body"])
        elif kind in ("matrix", "options"):
            key = "environment" if kind == "matrix" else "options"
            body = f"{indent}{key}: [{', '.join(environments)}]\n"
        else:
            raise ShipError(f"{name} has a block of environments of unknown kind {kind!r}", _HINT)
        return f"{match['start']}{body}{indent}# <<<\n"

    rendered, count = _BLOCK.subn(render_block, text)
    if count != text.count("# >>> environments:"):
        raise ShipError(f"a block of environments in {name} does not end with `# <<<`", _HINT)
    return rendered


def _render_jobs(body: str, indent: str, environments: tuple[str, ...], name: str) -> str:
    keys = list(re.finditer(rf"(?m)^{indent}([a-z][a-z0-9]*):\n", body))
    if not keys or keys[0].start():
        raise ShipError(f"the block of jobs in {name} does not begin with a job", _HINT)
    pattern = (body[: keys[1].start()] if keys[1:] else body).rstrip("\n") + "\n"
    old = keys[0][1]
    jobs, needed = [], ""
    for environment in environments:
        job = re.sub(rf"(?m)^({indent}){old}(:)$", rf"\g<1>{environment}\2", pattern)
        for key in ("name: .*", "environment: "):
            job, count = re.subn(rf"(?m)^( +{key})\b{old}$", rf"\g<1>{environment}", job)
            if not count:
                raise ShipError(f"the job {old} in {name} has no `{key}` with its name", _HINT)
        if needed:
            job, count = re.subn(r"(?m)^( +needs: \[.*?)\w+\]$", rf"\g<1>{needed}]", job)
            if not count:
                raise ShipError(f"the job {old} in {name} has no `needs: […]`", _HINT)
        jobs.append(job)
        needed = environment
    return "\n".join(jobs)
