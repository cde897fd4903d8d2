"""The graph as a Dagster component: ``type: opengenome_assets.CodonFrequencies`` in a ``defs.yaml``.

Its attributes are the settings that ``OPENGENOME_*`` variables have in a clone of this project, by the same names.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import dagster as dg
import pydantic
from dagster.components.component_scaffolding import scaffold_component

from opengenome_assets.datasets.catalogue import resolve_datasets
from opengenome_assets.datasets.names import check_dataset_name
from opengenome_assets.declaring import Setting, declared
from opengenome_assets.errors import OpengenomeError, SettingError
from opengenome_assets.graph.build import build_graph
from opengenome_assets.graph.keys import identifier
from opengenome_assets.graph.spark_resource import spark_resource, spark_texts
from opengenome_assets.paths import is_uri
from opengenome_assets.settings import (
    AUTO,
    DEFAULT_DATASET,
    DEFAULT_SPARK_RESOURCE,
    Settings,
    TableParameters,
    settings_of,
)
from opengenome_assets.spark.config import check_spark_conf

# Settings that may be lists, with what is between their items in a variable.
_LISTS = {"input": "\n", "dataset": ",", "group": ","}
_PATHS = ("warehouse", "catalogue", "metadata", "taxdump")
_SPARK_CONF = "spark_conf"
_SPARK_RESOURCE = "spark_resource"
_SPARK_SETTINGS = ("spark_master", "spark_jobs", _SPARK_CONF)


def _as_setting(name: str, value: Any) -> Any:
    """The value of an attribute as a variable has it."""
    return _LISTS[name].join(value) if isinstance(value, list) else value


def _check(setting: Setting) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        # A template has its value later, when the definitions are built.
        if value is not None and "{{" not in str(value):
            try:
                converted = setting.convert(_as_setting(setting.name, value), setting.name)
                if setting.name == "dataset":
                    for name in converted:
                        check_dataset_name(name, "dataset", "Give another name.")
            except SettingError as error:
                raise ValueError(str(error)) from None
        return value

    return check


def _check_conf(conf: dict[str, Any] | None) -> dict[str, Any] | None:
    try:
        check_spark_conf(spark_texts(conf or {}), _SPARK_CONF)
    except SettingError as error:
        raise ValueError(str(error)) from None
    return conf


def _attributes() -> dict[str, Any]:
    """The declared settings as fields of a pydantic model. None is as not given."""
    attributes: dict[str, Any] = {}
    for kind in (Settings, TableParameters):
        hints = get_type_hints(kind)
        for name, setting in declared(kind).items():
            hint = (list[str] if name in _LISTS else hints[name]) | str | None
            default = f" Default: {setting.shown}." if setting.shown else ""
            attributes[name] = (
                Annotated[hint, pydantic.AfterValidator(_check(setting))],
                pydantic.Field(None, description=f"{setting.help}{default}"),
            )
    attributes[_SPARK_CONF] = (
        Annotated[dict[str, Any] | None, pydantic.AfterValidator(_check_conf)],
        pydantic.Field(None, description="Settings of Spark, over those of OPENGENOME_SPARK_CONF."),
    )
    attributes[_SPARK_RESOURCE] = (
        str | None,
        pydantic.Field(
            None,
            description="Key of a resource of your project that has a spark_session. Default: "
            f"'{DEFAULT_SPARK_RESOURCE}', which the component adds; or '{DEFAULT_SPARK_RESOURCE}_' and the name of the "
            "data set if the component has Spark settings.",
        ),
    )
    return attributes


class _Strict(dg.Model):
    # Strict: true is not 1.
    model_config = pydantic.ConfigDict(strict=True)


_Attributes: Any = pydantic.create_model("CodonFrequenciesAttributes", __base__=_Strict, **_attributes())


class ScaffoldParameters(pydantic.BaseModel):
    """What ``dg scaffold defs`` can fill in."""

    dataset: str | None = pydantic.Field(
        None, description="Name of the data set. Default: the folder's name."
    )
    input: str | None = pydantic.Field(None, description="File, folder, glob or URI; FASTA or Parquet.")


class _Scaffolder(dg.Scaffolder[ScaffoldParameters]):
    @classmethod
    def get_scaffold_params(cls) -> type[ScaffoldParameters]:
        return ScaffoldParameters

    def scaffold(self, request: dg.ScaffoldRequest[ScaffoldParameters]) -> None:
        asked = request.params
        attributes = {"dataset": asked.dataset or request.target_path.stem}
        if asked.input:
            attributes["input"] = asked.input
        scaffold_component(request, attributes)


@dg.scaffold_with(_Scaffolder)
class CodonFrequencies(dg.Component, dg.Resolvable, _Attributes):
    """Codon frequencies of a genome collection: batches of sequences counted on Spark, a table, and a report.

    The input is FASTA or Parquet. Materialize ``raw_sequences`` first to register it; then reload the definitions to see
    the batches as partitions. For several data sets, write one YAML document per data set, with ``---`` between them.
    Relative paths start at the project's folder.
    """

    @classmethod
    def model(cls) -> type[pydantic.BaseModel]:
        """The attributes of a ``defs.yaml``. They are checked without loading the definitions."""
        attributes: type[pydantic.BaseModel] = _Attributes
        return attributes

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        return dg.ComponentTypeSpec(
            tags=["bioinformatics", "spark"], produces=["asset", "asset_check", "resource"]
        )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The assets and checks of the data sets, and the Spark resource.

        Raises:
            dg.DagsterInvalidDefinitionError: an attribute is not allowed, or a manifest cannot be read. The message is
                one line with the folder and the data set.
        """
        given = {name: _as_setting(name, value) for name, value in self if value is not None}
        folder = context.component_loc.get_display_key(context.defs_module_path)
        name = given.get("dataset") or given.get("input") or DEFAULT_DATASET
        try:
            return _definitions(given, context.project_root, f"component {folder}: data set {name}")
        except OpengenomeError as error:
            raise dg.DagsterInvalidDefinitionError(str(error)) from None


def _definitions(given: dict[str, Any], root: Path, place: str) -> dg.Definitions:
    key = given.pop(_SPARK_RESOURCE, None)
    own = [name for name in _SPARK_SETTINGS if name in given]
    if key and own:
        msg = (
            f"{place}: {' and '.join(own)} cannot be set together with {_SPARK_RESOURCE}, which names a resource of "
            f"your project. Configure that resource, or leave out {_SPARK_RESOURCE}."
        )
        raise SettingError(msg)
    conf = spark_texts(given.pop(_SPARK_CONF, {}))
    check_spark_conf(conf, f"{place}: {_SPARK_CONF}")
    settings = _at_root(settings_of(given, place), root)
    resources = {}
    try:
        datasets = resolve_datasets(settings)
        if not key:
            # Definitions with different resources under the same key cannot be merged.
            key = f"{DEFAULT_SPARK_RESOURCE}_{identifier(datasets[0].key)}" if own else DEFAULT_SPARK_RESOURCE
            resources[key] = spark_resource(settings.spark_master, settings.spark_jobs, tuple(conf.items()))
        assets, checks = build_graph(resolve_datasets(replace(settings, spark_resource=key)))
    except OpengenomeError as error:
        msg = f"{place}: {error}"
        raise SettingError(msg) from error
    return dg.Definitions(assets=assets, asset_checks=checks, resources=resources)


def _at_root(settings: Settings, root: Path) -> Settings:
    """The settings with relative paths taken from a folder."""

    def at_root(location: str) -> str:
        return location if is_uri(location) or location == AUTO else str(root / location)

    moved: dict[str, Any] = {name: at_root(place) for name in _PATHS if (place := getattr(settings, name))}
    return replace(settings, input=tuple(map(at_root, settings.input)), **moved)
