"""Models that are not ours: a name → the factory that makes the module, registered by the code that has it.

    from workbench.models.own import register
    register("gru", make_gru, settings=GruSettings)

A registration is found by `--import module_or_file.py`, or by an entry point of the group `workbench.models` whose name
is the architecture's. A definition names the architecture alone, so that no data ever says which code to run.

Free of torch, but for what the registered code imports.
"""

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from workbench.errors import BadInput
from workbench.models.config import DECODER, ModelConfig
from workbench.models.sources import source_files
from workbench.validation import validated

GROUP = "workbench.models"
"""The group of entry points."""

Factory = Callable[..., Any]
"""`factory(config)`, or `factory(config, settings)` where it has a settings model → a `torch.nn.Module` of ids (B, T)
to logits (B, T, V)."""


@dataclass(frozen=True, eq=False)
class Registered:
    """A model that can be named in a definition; one registration equals no other."""

    name: str
    factory: Factory = field(repr=False)
    settings: type[BaseModel] | None
    fingerprint: str
    """Of the source as it was when it was registered, that of the call of `register` too; see `fingerprint_of`."""


_registered: dict[str, Registered] = {}
_imported: list[str] = []


def register(name: str, factory: Factory, settings: type[BaseModel] | None = None) -> None:
    """Make `architecture = name` mean the modules of `factory`; the last registration of a name holds.

    With `settings`, a pydantic model, the table [model.settings] is validated by it and handed to the factory.
    """
    if not name or name == DECODER:
        raise BadInput(f"register({name!r}): the name must be another than {DECODER!r}, the workbench's own")
    if not callable(factory):
        raise BadInput(f"register({name!r}): {factory!r} cannot be called; give config → torch.nn.Module")
    # Where it is called, a partial's arguments and an instance's state are written.
    caller = Path(sys._getframe(1).f_code.co_filename).resolve()
    places = [caller] if caller.is_file() and caller != Path(__file__).resolve() else []
    objects = [factory, *([settings] if settings else [])]
    _registered[name] = Registered(name, factory, settings, fingerprint_of(objects, places))


def registered(name: str) -> Registered:
    """The model of a name: one registered already, or an entry point's, which is imported now."""
    if name not in _registered:
        for entry in entry_points(group=GROUP, name=name):
            loaded = _from_entry_point(entry)
            if name not in _registered and callable(loaded):
                register(name, loaded)
    if name not in _registered:
        known = sorted({DECODER, *_registered, *(entry.name for entry in entry_points(group=GROUP))})
        raise BadInput(
            f"model.architecture = {name!r}: no model of this name is registered (there is {', '.join(known)}); give "
            f"--import with a module or .py file that calls workbench.models.own.register({name!r}, factory), or "
            f"install a package with an entry point {name!r} in the group {GROUP!r}"
        )
    return _registered[name]


def import_models(sources: Iterable[str]) -> None:
    """Import modules by name, or .py files by path, that register models. They run as any imported code does."""
    for source in sources:
        place = str(Path(source).resolve()) if source.endswith(".py") else source
        if place in _imported:
            continue
        before = dict(_registered)
        try:
            _import_file(Path(place)) if place.endswith(".py") else _import_module(place)
        except BadInput:
            raise
        except Exception as error:
            raise BadInput(
                f"--import {source}: cannot be imported ({type(error).__name__}: {error}); give a module's name or a "
                ".py file that registers a model"
            ) from error
        if _registered == before and place.endswith(".py"):
            raise BadInput(
                f"--import {source}: it registers no model; have it call "
                "workbench.models.own.register(name, factory, settings)"
            )
        _imported.append(place)


def imported() -> tuple[str, ...]:
    """What was imported by `import_models`, for a worker process to import as well."""
    return tuple(_imported)


def pinned(config: ModelConfig, origin: str | Path = "the model") -> ModelConfig:
    """A config with its settings checked and written out in full, and the fingerprint of its model's source.

    A decoder's is returned as it is. A fingerprint that is there already must be the source's.
    """
    if config.architecture == DECODER:
        return config
    model = current(config, origin)
    settings = settings_of(config, origin)
    written = {} if settings is None else settings.model_dump(mode="json")
    return config.model_copy(update={"settings": written, "fingerprint": model.fingerprint})


def current(config: ModelConfig, origin: str | Path = "the model") -> Registered:
    """The registered model of a config, refused where its source is not the config's."""
    model = registered(config.architecture)
    if config.fingerprint not in ("", model.fingerprint):
        raise BadInput(
            f"{origin}: the source of {model.name!r} has the fingerprint {model.fingerprint}, and "
            f"{config.fingerprint} is asked for: it has changed since; bring that source back, or plan new runs"
        )
    return model


def settings_of(config: ModelConfig, origin: str | Path = "the model") -> BaseModel | None:
    """The validated settings of a config's model; None where it has no settings model."""
    model = registered(config.architecture)
    if model.settings is not None:
        return validated(model.settings, config.settings, f"{origin}: model.settings")
    if config.settings:
        raise BadInput(
            f"{origin}: model.settings has {', '.join(config.settings)}, and {model.name!r} was registered without "
            "settings; leave them out, or register it with settings=a pydantic model"
        )
    return None


def fingerprint_of(objects: Iterable[Any], places: Iterable[Path] = ()) -> str:
    """The first 16 hex digits of the SHA-256 over the files that define these, `places`, and the local files of both.

    The text counts as it is, comments included: a changed line makes new runs. Installed libraries do not count.
    Raises `BadInput` where an object has no file, or another file than the one beside it is what is imported.
    """
    digest = hashlib.sha256()
    homes = list(places)
    for each in objects:
        plain = inspect.unwrap(each)
        while hasattr(plain, "func"):  # functools.partial
            plain = plain.func
        try:
            homes.append(Path(inspect.getfile(plain if _has_file(plain) else type(plain))).resolve())
        except (TypeError, OSError) as error:
            raise BadInput(f"{each!r}: its source file cannot be found ({error}); define it in a .py file") from error
        digest.update(f"{getattr(plain, '__qualname__', type(plain).__qualname__)}\0".encode())
    for name, text in source_files(homes):
        digest.update(f"{name}\0{len(text)}\0".encode() + text)
    return digest.hexdigest()[:16]


def _has_file(each: Any) -> bool:
    """Whether it is code itself; of an instance that can be called, its class is."""
    return inspect.isclass(each) or inspect.isroutine(each)


def _from_entry_point(entry: Any) -> Any:
    try:
        return entry.load()
    except Exception as error:
        raise BadInput(
            f"the entry point {entry.name!r} = {entry.value!r} of {GROUP!r} cannot be loaded "
            f"({type(error).__name__}: {error})"
        ) from error


def _import_module(name: str) -> None:
    here = str(Path.cwd())
    if here not in sys.path:  # as `python -m` has it
        sys.path.append(here)
    importlib.import_module(name)


def _import_file(path: Path) -> None:
    if not path.is_file():
        raise BadInput(f"--import {path}: no such file; give a module's name or a .py file that registers a model")
    folder = str(path.parent)
    if folder not in sys.path:  # for the files beside it
        sys.path.append(folder)
    name = path.stem if _is_free(path) else f"{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _is_free(path: Path) -> bool:
    """Whether a file's own name means that file: no module that is loaded already, nor one that is found first."""
    if not path.stem.isidentifier() or path.stem in sys.modules:
        return False
    found = importlib.util.find_spec(path.stem)
    return found is not None and found.origin is not None and Path(found.origin).resolve() == path
