"""IO managers as users of Dagster write them: only the import line is ours.

Each `run_…` makes a small project with one of them in `folder` and returns what can be seen: what was loaded, which
files there are, what the contexts said. The expectations in the tests are what Dagster 1.13 gives for the same code.
"""

import csv
import json
import os
import pickle
from pathlib import Path
from typing import Any, ClassVar

import gapless as dg
from gapless import (
    ConfigurableIOManager,
    ConfigurableIOManagerFactory,
    ConfigurableResource,
    EnvVar,
    InitResourceContext,
    InputContext,
    IOManager,
    OutputContext,
    ResourceDependency,
    UPathIOManager,
    io_manager,
)

DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-08")
REGIONS = dg.StaticPartitionsDefinition(["eu", "us"])
BOTH = dg.MultiPartitionsDefinition({"region": REGIONS, "date": DAYS})


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# --- 1. declared fields, one of them from the environment; a file for each partition


class CsvIOManager(ConfigurableIOManager):
    root: str
    delimiter: str = ","

    def _path(self, context: InputContext | OutputContext) -> Path:
        parts = [self.root, *context.asset_key.path]
        if context.has_asset_partitions:
            parts.append(context.asset_partition_key)
        return Path(*parts).with_suffix(".csv")

    def handle_output(self, context: OutputContext, obj: list[list[str]]) -> None:
        path = self._path(context)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            csv.writer(file, delimiter=self.delimiter).writerows(obj)
        context.log.info(f"wrote {path.name}")
        context.add_output_metadata({"rows": len(obj), "path": dg.MetadataValue.path(str(path))})

    def load_input(self, context: InputContext) -> list[list[str]]:
        with self._path(context).open(newline="") as file:
            return list(csv.reader(file, delimiter=self.delimiter))


def run_csv(folder: Path) -> dict[str, Any]:
    os.environ["USERS_CSV_ROOT"] = str(folder)
    loaded = []

    @dg.asset(partitions_def=DAYS, key_prefix="raw")
    def plays(context: dg.AssetExecutionContext) -> list[list[str]]:
        return [["a", context.partition_key]]

    @dg.asset(partitions_def=DAYS, ins={"plays": dg.AssetIn(key_prefix="raw")})
    def copied(plays: list[list[str]]) -> list[list[str]]:
        loaded.append(plays)
        return plays

    manager = CsvIOManager(root=EnvVar("USERS_CSV_ROOT"), delimiter=";")
    dg.materialize([plays, copied], partition_key="2024-01-02", resources={"io_manager": manager})
    return {
        "loaded": loaded,
        "files": files_in(folder),
        "text": (folder / "raw/plays/2024-01-02.csv").read_text().strip(),
    }


# --- 2. a decorated function with a config schema, and a resource that it requires


class PickleIOManager(IOManager):
    def __init__(self, folder: str, prefix: str, client: Any, seen: list[Any]) -> None:
        self.folder, self.prefix, self.client, self.seen = folder, prefix, client, seen

    def _path(self, context) -> Path:
        return Path(self.folder, self.prefix + "_".join(context.asset_key.path))

    def handle_output(self, context, obj):
        self.seen.append((context.resource_config, context.resources.client, context.name, context.step_key))
        self._path(context).write_bytes(pickle.dumps(obj))

    def load_input(self, context):
        return pickle.loads(self._path(context.upstream_output).read_bytes())


def run_decorated(folder: Path) -> dict[str, Any]:
    seen: list[Any] = []

    @io_manager(
        config_schema={"folder": dg.StringSource, "prefix": dg.Field(str, default_value="p_")},
        required_resource_keys={"client"},
    )
    def pickle_io_manager(init_context: InitResourceContext) -> PickleIOManager:
        init_context.log.info("made")
        config = init_context.resource_config
        return PickleIOManager(config["folder"], config["prefix"], init_context.resources.client, seen)

    @dg.asset(key_prefix="raw")
    def numbers():
        return [1, 2]

    @dg.asset(ins={"numbers": dg.AssetIn(["raw", "numbers"])})
    def total(numbers):
        return sum(numbers)

    os.environ["USERS_PICKLES"] = str(folder)
    manager = pickle_io_manager.configured({"folder": {"env": "USERS_PICKLES"}})
    dg.materialize([numbers, total], resources={"io_manager": manager, "client": "the client"})
    config, client, name, step = seen[0]
    return {
        "config": {**config, "folder": Path(config["folder"]).name == folder.name},
        "client": client,
        "name": name,
        "step": step,
        "total": pickle.loads((folder / "p_total").read_bytes()),
    }


# --- 3. a factory with fields, one of them another resource


class Bucket(ConfigurableResource):
    folder: str


class TextIOManager(IOManager):
    def __init__(self, folder: str) -> None:
        self.folder = folder

    def handle_output(self, context: OutputContext, obj: str) -> None:
        Path(self.folder, "-".join(context.get_asset_identifier())).write_text(obj)

    def load_input(self, context: InputContext) -> str:
        return Path(self.folder, "-".join(context.get_asset_identifier())).read_text()


class TextIOManagerFactory(ConfigurableIOManagerFactory):
    bucket: ResourceDependency[Bucket]

    def create_io_manager(self, context) -> TextIOManager:
        return TextIOManager(self.bucket.folder)


def run_factory(folder: Path) -> dict[str, Any]:
    loaded = []

    @dg.asset(partitions_def=REGIONS)
    def letter(context: dg.AssetExecutionContext) -> str:
        return f"dear {context.partition_key}"

    @dg.asset(partitions_def=REGIONS)
    def answer(letter: str) -> str:
        loaded.append(letter)
        return letter.upper()

    manager = TextIOManagerFactory(bucket=Bucket(folder=str(folder)))
    dg.materialize([letter, answer], partition_key="eu", resources={"io_manager": manager})
    return {"loaded": loaded, "files": files_in(folder), "answer": (folder / "answer-eu").read_text()}


# --- 4. a path for each value; several upstream partitions at once


class JsonIOManager(UPathIOManager):
    extension: str = ".json"

    def dump_to_path(self, context: OutputContext, obj: Any, path) -> None:
        with path.open("w") as file:
            json.dump(obj, file)

    def load_from_path(self, context: InputContext, path) -> Any:
        with path.open("r") as file:
            return json.load(file)

    def get_metadata(self, context: OutputContext, obj: Any) -> dict[str, Any]:
        return {"kind": type(obj).__name__}


def run_upath(folder: Path) -> dict[str, Any]:
    from upath import UPath

    loaded = []

    @dg.asset(partitions_def=DAYS, key_prefix="raw")
    def plays(context: dg.AssetExecutionContext) -> dict[str, str]:
        return {"day": context.partition_key}

    @dg.asset(
        partitions_def=DAYS,
        ins={
            "plays": dg.AssetIn(
                ["raw", "plays"], partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=0)
            )
        },
    )
    def pairs(plays: dict[str, Any]) -> int:
        loaded.append(plays)
        return len(plays)

    manager = JsonIOManager(base_path=UPath(folder))
    for day in ("2024-01-01", "2024-01-02"):
        dg.materialize([plays], partition_key=day, resources={"io_manager": manager})
    for day in ("2024-01-01", "2024-01-02"):
        dg.materialize([plays, pairs], selection=[pairs], partition_key=day, resources={"io_manager": manager})
    return {"loaded": loaded, "files": [name for name in files_in(folder) if ".gapless" not in name]}


# --- 5. fields and paths in one class, with a path of its own for each partition


class TextFiles(ConfigurableIOManager, UPathIOManager):
    base_dir: str
    extension: ClassVar[str] = ".txt"

    def setup_for_execution(self, context: InitResourceContext) -> None:
        from upath import UPath

        object.__setattr__(self, "_base_path", UPath(self.base_dir))

    def get_path_for_partition(self, context: InputContext | OutputContext, path, partition: str):
        return path / f"day={partition}"

    def dump_to_path(self, context: OutputContext, obj: str, path) -> None:
        path.write_text(obj)

    def load_from_path(self, context: InputContext, path) -> str:
        return path.read_text()


def run_fields_and_paths(folder: Path) -> dict[str, Any]:
    loaded = []

    @dg.asset(partitions_def=DAYS)
    def note(context: dg.AssetExecutionContext) -> str:
        return context.partition_key

    @dg.asset(partitions_def=DAYS)
    def read(note: str) -> str:
        loaded.append(note)
        return "read"

    resources = {"io_manager": TextFiles(base_dir=str(folder))}
    dg.materialize([note, read], partition_key="2024-01-03", resources=resources)
    return {"loaded": loaded, "files": [name for name in files_in(folder) if ".gapless" not in name]}


# --- 6. a dict in memory


class DictIOManager(IOManager):
    def __init__(self) -> None:
        self.values: dict[tuple[str, ...], Any] = {}

    def handle_output(self, context, obj):
        self.values[tuple(context.get_identifier())] = obj

    def load_input(self, context):
        return self.values[tuple(context.upstream_output.get_identifier())]


def run_dict(folder: Path) -> dict[str, Any]:
    loaded = []

    @dg.asset
    def one():
        return 1

    @dg.asset
    def two(one):
        loaded.append(one)
        return one + 1

    dg.materialize([one, two], resources={"io_manager": DictIOManager()})
    return {"loaded": loaded}


# --- 7. time windows


class WindowIOManager(IOManager):
    def __init__(self) -> None:
        self.rows: list[tuple[Any, int]] = []

    def handle_output(self, context, obj):
        start, end = context.asset_partitions_time_window
        self.rows = [row for row in self.rows if not start <= row[0] < end] + [(start, value) for value in obj]

    def load_input(self, context):
        start, end = context.asset_partitions_time_window
        return [value for at, value in self.rows if start <= at < end]


def run_windows(folder: Path) -> dict[str, Any]:
    loaded = []
    weeks = dg.WeeklyPartitionsDefinition(start_date="2024-01-01", day_offset=1, end_date="2024-01-08")

    @dg.asset(partitions_def=DAYS)
    def plays(context: dg.AssetExecutionContext) -> list[int]:
        return [int(context.partition_key[-2:])]

    @dg.asset(partitions_def=weeks)
    def weekly(context: dg.AssetExecutionContext, plays: list[int]) -> list[int]:
        loaded.append(sorted(plays))
        return [sum(plays)]

    resources = {"io_manager": WindowIOManager()}
    for day in range(1, 8):
        dg.materialize([plays], partition_key=f"2024-01-0{day}", resources=resources)
    dg.materialize([plays], partition_key="2024-01-02", resources=resources)
    dg.materialize([plays, weekly], selection=[weekly], partition_key="2024-01-01", resources=resources)
    return {"loaded": loaded}


# --- 8. the metadata of the asset, of the output, of the upstream asset and of the input


class TableIOManager(IOManager):
    def __init__(self) -> None:
        self.tables: dict[str, Any] = {}
        self.seen: dict[str, Any] = {}

    def handle_output(self, context, obj):
        self.tables[context.definition_metadata["table"]] = obj
        self.seen["written"] = (context.metadata["table"], sorted(context.output_metadata))

    def load_input(self, context):
        table = context.upstream_output.definition_metadata["table"]
        columns = (context.definition_metadata or {}).get("columns")
        self.seen["read"] = (context.upstream_output.metadata["table"], context.name, context.metadata["columns"])
        return [{name: row[name] for name in columns} for row in self.tables[table]]


def run_metadata(folder: Path) -> dict[str, Any]:
    loaded = []

    @dg.asset(metadata={"table": "warehouse.plays"})
    def plays():
        return dg.Output([{"id": 1, "x": 2}], metadata={"source": "a"})

    @dg.asset(metadata={"table": "warehouse.ids"}, ins={"rows": dg.AssetIn("plays", metadata={"columns": ["id"]})})
    def ids(rows):
        loaded.append(rows)
        return rows

    manager = TableIOManager()
    dg.materialize([plays], resources={"io_manager": manager})
    seen = dict(manager.seen)
    dg.materialize([plays, ids], selection=[ids], resources={"io_manager": manager})
    return {"loaded": loaded, "written": seen["written"], "read": manager.seen["read"]}


# --- 9. the declared type


class TypedIOManager(IOManager):
    def __init__(self) -> None:
        self.text: dict[str, str] = {}
        self.types: list[Any] = []

    def handle_output(self, context, obj):
        self.types.append(context.dagster_type.typing_type)
        self.text[context.asset_key.to_user_string()] = json.dumps(obj)

    def load_input(self, context):
        self.types.append(context.dagster_type.typing_type)
        text = self.text[context.asset_key.to_user_string()]
        return text if context.dagster_type.typing_type is str else json.loads(text)


def make_typed_assets(loaded: list[Any]):
    def numbers():
        return [1, 2]

    def as_text(numbers):
        loaded.append(numbers)
        return 1

    def as_value(numbers):
        loaded.append(numbers)
        return 2

    numbers.__annotations__ = {"return": list}
    as_text.__annotations__ = {"numbers": str, "return": int}
    return [dg.asset(numbers), dg.asset(as_text), dg.asset(as_value)]


def run_types(folder: Path) -> dict[str, Any]:
    loaded: list[Any] = []
    manager = TypedIOManager()
    for each in (assets := make_typed_assets(loaded)):
        dg.materialize(assets, selection=[each], resources={"io_manager": manager})
    return {"loaded": loaded, "types": [getattr(kind, "__name__", str(kind)).lower() for kind in manager.types]}


# --- 10. one that only loads; the downstream partition; several dimensions


class Landed(IOManager):
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: list[Any] = []

    def handle_output(self, context, obj):
        raise NotImplementedError("files come from elsewhere")

    def load_input(self, context):
        self.seen.append((context.has_partition_key, str(context.partition_key), context.has_asset_partitions))
        return (self.folder / f"{context.asset_key.path[-1]}.txt").read_text()


class KeptIOManager(IOManager):
    def __init__(self) -> None:
        self.kept: dict[Any, Any] = {}

    def handle_output(self, context, obj):
        keys = context.partition_key.keys_by_dimension
        self.kept[keys["date"], keys["region"]] = (obj, context.has_partition_key, list(context.asset_partition_keys))

    def load_input(self, context):
        raise NotImplementedError


def run_only_loads(folder: Path) -> dict[str, Any]:
    (folder / "landed.txt").write_text("hello")

    @dg.asset
    def landed() -> None: ...

    @dg.asset(partitions_def=BOTH, ins={"landed": dg.AssetIn(input_manager_key="files")})
    def taken(landed):
        return landed

    files, kept = Landed(folder), KeptIOManager()
    resources = {"io_manager": kept, "files": files}
    dg.materialize([landed], resources=resources)
    key = dg.MultiPartitionKey({"region": "eu", "date": "2024-01-02"})
    dg.materialize([landed, taken], selection=[taken], partition_key=key, resources=resources)
    return {"seen": files.seen, "kept": kept.kept}


# --- 11. a range of partitions in one call


class RangeIOManager(IOManager):
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def handle_output(self, context, obj):
        window, keys = context.asset_partitions_time_window, context.asset_partition_key_range
        self.seen.append((context.has_partition_key, context.asset_partition_keys, keys.start, keys.end))
        self.seen.append((window.start.isoformat(), window.end.isoformat()))

    def load_input(self, context):
        raise NotImplementedError


def run_range(folder: Path) -> dict[str, Any]:
    @dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def plays():
        return [1]

    manager = RangeIOManager()
    tags = {
        "dagster/asset_partition_range_start": "2024-01-02",
        "dagster/asset_partition_range_end": "2024-01-04",
    }
    dg.materialize([plays], tags=tags, resources={"io_manager": manager})
    return {"seen": manager.seen}


# --- 12. one that yields while it stores


class YieldingIOManager(IOManager):
    def __init__(self) -> None:
        self.stored: list[Any] = []

    def handle_output(self, context, obj):
        self.stored.append(obj)
        yield from ()

    def load_input(self, context):
        raise NotImplementedError


def run_yields(folder: Path) -> dict[str, Any]:
    @dg.asset
    def plays():
        return [1]

    manager = YieldingIOManager()
    dg.materialize([plays], resources={"io_manager": manager})
    return {"stored": manager.stored}


RUNS = {
    name.removeprefix("run_"): run for name, run in list(globals().items()) if name.startswith("run_") and callable(run)
}
