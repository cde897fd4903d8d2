"""What sources tell of records: a table with a row per record and null for what a source does not know."""

import pyarrow as pa

FACTS = pa.schema(
    [
        pa.field("seq_id", pa.string(), nullable=False, metadata={"description": "as in the input"}),
        pa.field("organelle", pa.string(), metadata={"description": "one of organelles.ORGANELLES"}),
        pa.field("genetic_code", pa.int32(), metadata={"description": "NCBI id"}),
        pa.field("taxid", pa.int64(), metadata={"description": "NCBI's number of the taxon"}),
        pa.field("organism", pa.string(), metadata={"description": "scientific name"}),
        pa.field("title", pa.string(), metadata={"description": "the record's definition line"}),
        pa.field("length", pa.int64(), metadata={"description": "bases, as the source states them"}),
    ]
)
