"""Lists and removes what the course keeps on this machine, for `course clean`.

The course keeps models that were fetched, trainings, and leftovers such as parts of stopped downloads.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from course_utils import catalog, files, units
from course_utils.errors import CourseError
from course_utils.loading import checksums, hub, planning, store

LEFTOVERS = "leftovers"


@dataclass(frozen=True)
class Kept:
    """Something that can be removed.

    name : what to call it in `course clean NAME`
    paths : its files and folders
    again : how to get it back, in a few words
    by_name_only : True if `course clean` removes it only when it is named, because it is hard to get back, or
        because other programs may use it, too
    """

    name: str
    paths: tuple[Path, ...]
    again: str
    by_name_only: bool = False

    @property
    def bytes(self) -> int:
        """The bytes on the disk."""
        within = (inside for path in self.paths for inside in (path, *path.rglob("*")))
        return sum(path.stat().st_size for path in within if path.is_file() and not path.is_symlink())


def kept() -> list[Kept]:
    """Return all that can be removed: fetched models, leftovers, trainings, and models in the hub's cache."""
    cache, models = store.cache_folder(), catalog.models()
    folders = sorted(path for path in cache.glob("*") if path.is_dir() and path.name != "training")
    found, leftovers = [], []
    for folder in folders:
        left = [path for path in folder.iterdir() if _is_unfinished(path)]
        leftovers += left
        if folder.name not in models:
            leftovers.append(folder)  # the folder's model is no longer in the catalogue
        elif whole := tuple(path for path in folder.iterdir() if path not in left):
            download = units.size(models[folder.name].download_bytes, "MB")
            found.append(Kept(folder.name, whole, f"course fetch {folder.name}: {download}"))
    if leftovers:
        found.append(Kept(LEFTOVERS, tuple(leftovers), "a broken download starts anew"))
    for path in sorted((cache / "training").glob("*")):
        again = f"course train {path.name}" if path.is_dir() else "made again by course train"
        found.append(Kept(f"training/{path.name}", (path,), again, by_name_only=path.is_dir()))
    for name, model in models.items():
        if not model.ours and not model.files and planning.is_cached(model):
            repository = hub.repository_folder(model.sources[0])
            download = f"course fetch {name}: {units.size(model.download_bytes, 'MB')}"
            found.append(Kept(name, (repository,), f"{download}; other programs may use it", True))
    return found


def chosen(names=()) -> list[Kept]:
    """Return what `course clean NAMES` removes.

    names : the names of the entries to remove; by default all entries except those that are `by_name_only`

    Raises CourseError if no entry has one of the names.
    """
    all_kept = kept()
    if not names:
        return [each for each in all_kept if not each.by_name_only]
    by_name = {each.name: each for each in all_kept}
    for name in names:
        if name not in by_name:
            listed = ", ".join(by_name) or "nothing"
            raise CourseError(f"There is no {name!r} to remove; there is {listed}.")
    return [by_name[name] for name in dict.fromkeys(names)]


def remove(kept_here):
    """Remove what `chosen` returned. A notebook that has loaded a model can use it until the kernel ends."""
    for each in kept_here:
        model = catalog.models().get(each.name)
        with store.locked(model) if model and model.files else contextlib.nullcontext():
            for path in each.paths:
                files.remove(path)
    checksums.forget(store.cache_folder() / checksums.NOTES)


def _is_unfinished(path):
    return path.suffix in (".part", ".building", ".unpacked") or path.name.startswith(".part-")
