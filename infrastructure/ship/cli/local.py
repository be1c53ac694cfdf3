"""Commands for a checkout: build, up, down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ship.cli.inspect import read_status, status_table
from ship.cli.options import json_option, open_context
from ship.errors import ShipError
from ship.output import result

if TYPE_CHECKING:
    from ship.build.builder import Build
    from ship.environments.context import Context


@click.command()
@json_option
def build(as_json: bool) -> None:
    """Build the work tree into dist/: backend.zip, web/ and manifest.json.

    Two builds of one commit are the same byte for byte. An uncommitted tree may be built; its
    release id says so, and it goes no further than the first environment.
    """
    from ship.build.manifest import ZIP

    made = build_tree(open_context())
    size = made.manifest.files[ZIP].size
    data = {"release": made.manifest.release, "folder": str(made.folder), "zip_bytes": size}
    text = f"{made.manifest.release} in {made.folder.name}/, zip {size / 1e6:.2f} MB"
    result(data, text, as_json=as_json)


@click.command()
@json_option
def up(as_json: bool) -> None:
    """Start the emulator and bring every environment to life on it.

    What is alive stays as it is; a second run changes nothing.
    """
    from tempfile import TemporaryDirectory

    from ship.environments import bootstrap

    context = open_context()
    names = context.project.environments
    with context.progress.step("emulator"):
        context.emulator.start(context.progress.note)
    bootstrap.apply(context)
    _apply_all(context, names)
    with TemporaryDirectory(dir=context.caches) as work:
        made: Build | None = None
        for name in names:
            progress = context.progress.within(name)
            engine = context.engine(name, progress)
            engine.repair()
            if engine.state.live:
                progress.note(f"{engine.state.live} is live")
                continue
            made = made or _committed_build(context, Path(work))
            engine.deploy(made, context.shift(name), "first release")
    found = [read_status(context, name) for name in names]
    text = (
        f"{status_table(found)}\n\nOpen a site in a browser; `ship --help` shows what to do next."
    )
    result(found, text, as_json=as_json)


@click.command()
@click.option("--wipe", is_flag=True, help="Delete everything that was in it, too.")
def down(wipe: bool) -> None:
    """Stop the emulator; what is in it comes back with `ship up`."""
    context = open_context()
    stopped = context.emulator.stop()
    if wipe:
        context.emulator.wipe()
    result({}, "the emulator has stopped" if stopped else "no emulator was running", as_json=False)


def build_tree(context: Context, root: Path | None = None, into: Path | None = None) -> Build:
    """Build a work tree, by default this checkout's into `dist/`."""
    from ship.build import builder, tree

    root = root or context.project.root
    source = tree.describe(root)
    with context.progress.step(f"build {source.release}"):
        made = builder.make(root, context.tools, source, into or root / "dist", context.caches)
    for note in made.notes:
        context.progress.note(note)
    _give_emulator_packages(context, root, made)
    return made


def current_build(context: Context) -> Build:
    """The build in `dist/` when it is the work tree's; otherwise a fresh one."""
    from ship.build import builder, tree

    root = context.project.root
    folder = root / "dist"
    # A release's id says nothing of files that git ignores.
    is_known = not any(tree.ignored(root, folder) for folder in context.project.site.sources)
    if is_known and (folder / "manifest.json").is_file():
        found = builder.load(folder)
        if found.manifest.release == tree.describe(root).release:
            _give_emulator_packages(context, root, found)
            return found
    return build_tree(context)


def _give_emulator_packages(context: Context, root: Path, build: Build) -> None:
    """Have the emulator import this machine's builds of what the zip has compiled for Lambda."""
    from ship.build import dependencies
    from ship.build.manifest import ZIP

    if not context.is_emulator or context.settings.run.on_github:
        return
    runtime, path = context.project.runtime, build.folder / ZIP
    try:
        names = dependencies.install_for_this_machine(
            root, context.tools, runtime, path, context.emulator.packages
        )
    except ShipError as error:
        context.progress.note(f"not on the emulator: what is compiled for Lambda ({error})")
        return
    if names:
        context.progress.note(
            f"compiled for {runtime.architecture}; the emulator has this machine's own "
            + ", ".join(sorted(names))
        )


def _committed_build(context: Context, work: Path) -> Build:
    """A build of the last commit, without what is not committed."""
    from ship.build import tree

    root = context.project.root
    if not tree.describe(root).changes:
        return current_build(context)
    first = context.project.environments[0]
    context.progress.note(f"uncommitted changes are left out; `ship deploy {first}` takes them")
    tree.check_out(root, work / "checkout", context.project.site.sources)
    return build_tree(context, work / "checkout", work / "dist")


def _apply_all(context: Context, names: tuple[str, ...]) -> None:
    """Apply all environments at once; when all have ended, raise the first error."""
    from concurrent.futures import ThreadPoolExecutor

    from ship.environments import infrastructure, terraform

    def apply(name: str) -> None:
        progress = context.progress.within(name)
        with progress.step("infrastructure"):
            infrastructure.apply(context, name, progress=progress)

    with ThreadPoolExecutor(len(names)) as pool:
        running = {name: pool.submit(apply, name) for name in names}
        try:
            errors = {name: future.exception() for name, future in running.items()}
        except KeyboardInterrupt:
            # Only this thread gets the signal; the others wait for their Terraform.
            terraform.interrupt()
            raise
    failed = {name: error for name, error in errors.items() if error}
    for name, error in list(failed.items())[1:]:
        context.progress.within(name).note(str(error))
    for error in failed.values():
        raise error
