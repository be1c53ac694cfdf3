"""`ship init`: make a repository of the template one's own, with an application that exists."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ship import config
from ship.cli.options import FOLDER, TEXT, open_context
from ship.cli.serve import install_packages
from ship.errors import ShipError, UsageError
from ship.output import result

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from ship.config import Project
    from ship.environments.context import Context


@click.command()
@click.option("--from", "source", type=FOLDER, help="Copy the application from this folder.")
@click.option("--project", "name", type=TEXT, help="The first part of every name in AWS.")
@click.option("--region", type=TEXT, help="The AWS region.")
@click.option("--repository", type=TEXT, help="The repository on GitHub, OWNER/NAME.")
@click.option("--owner", type=TEXT, help="Who answers for the platform, USER or ORGANISATION/TEAM.")
@click.option(
    "--environments", type=TEXT, help="In the order of promotion, by commas; the last is protected."
)
@click.option("--factory", type=TEXT, help="MODULE:NAME of the application, or of what returns it.")
@click.option(
    "--path", "paths", multiple=True, type=TEXT, help="What CloudFront sends to it, such as /api/*."
)
@click.option("--site", type=FOLDER, help="Copy static files from this folder into web/.")
def init(
    source: Path | None,
    name: str | None,
    region: str | None,
    repository: str | None,
    owner: str | None,
    environments: str | None,
    factory: str | None,
    paths: tuple[str, ...],
    site: Path | None,
) -> None:
    """Put your application in the place of the sample, and your names into pyproject.toml.

    Without an application of yours it only sets the names. What is not given is asked on a
    terminal, and found out elsewhere: the factory in the code, the packages in requirements.txt,
    pyproject.toml, Pipfile or setup.py, the paths from the routes. A second run changes nothing.
    """
    from ship.adoption import application, sample, settings
    from ship.adoption.application import Route
    from ship.github import workflows

    context = open_context()
    root, backend = context.project.root, context.project.root / "backend"
    names = _names(context, {"project": name, "region": region, "repository": repository})
    known = ",".join(context.project.environments)
    chosen = environments or _ask(context, "environments", known)
    promotion = tuple(filter(None, chosen.replace(" ", "").split(",")))
    is_changed = settings.write(root, names, promotion)

    old = config.project(root)
    was_sample = sample.BACKEND.is_in(root)
    note = context.progress.note
    copied = _copy(context, source, site, factory)
    if settings.write_owner(root, owner, names["repository"]):
        note("written: CODEOWNERS")
    spec = factory or _find_factory(context, old)
    with context.progress.step("lock the packages"):
        _lock(context, source)
    with context.progress.step("load the application"):
        variables = _variables(config.project(root), context.settings.inherited)
        routes = application.load(root, install_packages(root), spec, variables)
    values: dict[str, Any] = {"application.factory": spec}
    is_sample = sample.BACKEND.is_in(root)
    module = spec.partition(":")[0].replace(".", "/")
    is_new = (
        (was_sample and not is_sample)
        or spec != old.application.factory
        or not {f"{module}.py", f"{module}/__init__.py"}.isdisjoint(copied)
    )
    if not is_sample and (is_new or old.smoke_paths == sample.SMOKE_PATHS):
        values["application.paths"] = application.application_paths(routes, backend)
        # Other routes may want a session, or data that is not there yet.
        values["smoke.paths"] = ["/"] if Route("/", is_plain=True) in routes else []
        values["budgets.zip_megabytes"] = 10
        modules = {path.relative_to(backend).parts[0] for path in backend.rglob("*.py")}
        settings.relax_checks(root, sorted(one.removesuffix(".py") for one in modules))
    if paths:
        values["application.paths"] = list(paths)
    if settings.write(root, values, promotion) or is_changed:
        note("written: pyproject.toml")
    for path, text in workflows.outdated(root, promotion).items():
        path.write_text(text, encoding="utf-8")
        note(f"written: {path.name}")
    steps = ('git add --all && git commit --message "Put our application in"', "make up")
    lines = [f"{spec} can be loaded. Next:", *(f"  {step}" for step in steps)]
    result({}, "\n".join(lines), as_json=False)


def _ask(context: Context, label: str, default: str) -> str:
    """Ask a person; without a terminal, the default."""
    if not sys.stdin.isatty() or context.settings.plain:
        return default
    return str(click.prompt(label, default=default))


def _names(context: Context, given: dict[str, str | None]) -> dict[str, Any]:
    """The names of the project: given, found out where the template's are still there, or asked."""
    from ship.adoption import settings

    project = context.project
    repository = given["repository"] or project.repository
    if repository == settings.TEMPLATE_REPOSITORY:
        repository = settings.find_repository(project.root) or repository
    name = project.name
    if name == settings.TEMPLATE_PROJECT:
        is_known = repository != settings.TEMPLATE_REPOSITORY
        origin = repository.split("/")[-1] if is_known else project.root.name
        name = settings.project_name(origin) or name
    found = {"project": name, "region": project.region, "repository": repository}
    return {key: value or _ask(context, key, found[key]) for key, value in given.items()}


def _copy(
    context: Context, source: Path | None, site: Path | None, factory: str | None
) -> list[str]:
    """Put the application and the site where they belong, and remove the sample for them.

    Returns:
        The paths that are new below `backend/`.
    """
    from ship.adoption import application, sample

    root, note = context.project.root, context.progress.note
    files = application.list_files(source) if source else {}
    if source and not any(name.endswith(".py") for name in files):
        raise UsageError(f"{source} holds no Python file that git does not ignore", "name another")
    is_sample = sample.BACKEND.is_in(root)
    backend, module = root / "backend", (factory or "").partition(":")[0].split(".")[0]
    own = application.find_factories(backend, {sample.PACKAGE}) or (
        module not in ("", sample.PACKAGE)
        and ((backend / module).is_dir() or (backend / f"{module}.py").is_file())
    )
    if files or (is_sample and own):
        present = [path for part in sample.PARTS if part.is_in(root) for path in part.paths]
        changed = _changed(root, present) if present else []
        if changed:
            raise ShipError(
                f"{changed[0]} would be removed with the sample, and is not committed",
                "commit it, or `git stash` it, then run `ship init` again",
            )
        removed = sample.remove(root)
        if removed:
            note(f"removed with the sample: {', '.join(removed)}")
    sites = {p.relative_to(site).as_posix(): p for p in site.rglob("*")} if site else {}
    sites = {name: path for name, path in sites.items() if path.is_file()}
    copied = {
        folder: application.copy(chosen, root / folder)
        for folder, chosen in (("backend", files), ("web", sites))
    }
    for folder, names in copied.items():
        if names:
            note(f"copied: {len(names)} files into {folder}/")
    return copied["backend"]


def _changed(root: Path, paths: list[str]) -> list[str]:
    """What git does not have of these paths as it is now."""
    from ship.build.tree import run_git

    found = run_git(root, "status", "--porcelain=v1", "--untracked-files=all", "--", *paths)
    return [line[3:] for line in found.decode().splitlines()]


def _find_factory(context: Context, project: Project) -> str:
    """The application's factory: the one that is named, where it is there, or what is found."""
    from ship.adoption import application
    from ship.build import imports

    backend = project.root / "backend"
    files = {path.relative_to(backend).as_posix(): path for path in backend.rglob("*.py")}
    try:
        imports.check_defined(project.application.factory, files, "factory")
    except ShipError:
        found = application.find_factories(backend)
    else:
        return project.application.factory
    if not found:
        raise UsageError(
            "no application was found in backend/: no Flask(…), and no create_app without "
            "required arguments",
            "name it with --factory MODULE:NAME, or copy one with --from FOLDER",
        )
    if len(found) == 1:
        return found[0]
    chosen = _ask(context, f"which is the application: {', '.join(found)}", "")
    if not chosen:
        raise UsageError(
            f"the application may be {', '.join(found)}", "name one with --factory MODULE:NAME"
        )
    return chosen


def _lock(context: Context, source: Path | None) -> None:
    """Take the packages over where the application has none of its own in requirements.in yet."""
    from ship.adoption import packages

    root = context.project.root
    backend = root / "backend"
    if not (backend / "requirements.in").is_file():
        folders = [source, backend] if source else [backend]
        if source and (source / "__init__.py").is_file():
            folders.insert(1, source.parent)
        found = next((one for folder in folders if (one := packages.find(folder))[1]), None)
        name, wanted = found or ("", ["flask==3.*"])
        packages.write(backend, wanted, name)
        context.progress.note(
            f"taken over: {len(wanted)} packages from {name}"
            if name
            else "no list of packages was found: backend/requirements.in has flask alone"
        )
    packages.lock(root, context.tools.uv, context.project.runtime.python)


def _variables(project: Project, inherited: dict[str, str]) -> dict[str, str]:
    """What the application finds while it is loaded: no rights in AWS, and no other packages."""
    from ship.development_server import local_variables

    kept = {name: v for name, v in inherited.items() if not name.startswith(("PYTHON", "AWS_"))}
    return local_variables(project, project.environments[0], kept, "https://example.org")
