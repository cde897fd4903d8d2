import re

import pyarrow as pa
import pytest

from opengenome_assets import schemas
from opengenome_assets.graph.batch_asset import column_schema

SCHEMAS = {name: value for name, value in vars(schemas).items() if isinstance(value, pa.Schema)}


@pytest.mark.parametrize("name", sorted(SCHEMAS.keys() - {"RECORDS"}))
def test_no_column_description_begins_like_markdown(name):
    # Dagster's pages render descriptions as Markdown: "+ or -" would be an item of a list.
    for column in column_schema(SCHEMAS[name]).columns:
        assert re.match(r"[A-Za-z]", column.description), column


def test_the_table_says_when_fraction_and_rscu_are_null():
    described = {
        column.name: column.description for column in column_schema(schemas.CODON_FREQUENCIES).columns
    }
    assert "null" in described["amino_acid"]
    assert "null" in described["fraction"]
    assert "null" in described["rscu"]
