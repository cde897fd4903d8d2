"""What the features of GenBank and EMBL records say of them."""

import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.codons.genetic_codes import genetic_codes
from opengenome_assets.metadata.facts import FACTS
from opengenome_assets.metadata.organelles import organelles_of_words


def facts_of_annotations(records: pa.Table, of_headers: pa.Table) -> tuple[pa.Table, pa.Array]:
    """Facts that features state, and those of the headers where they state none.

    A stated ``/organelle`` wins over the words of the title, also if its value has no class.

    Args:
        records: columns of `flat_files.ANNOTATED`, n rows; null where a record has no such feature.
        of_headers: `FACTS` of the headers, n rows.

    Returns:
        The facts (`FACTS`, n rows), and the ``/transl_table`` that are not used, because NCBI has no such genetic code:
        string, such as ``AB1 (7)``.
    """
    location, codes = records["organelle"].combine_chunks(), records["genetic_code"].combine_chunks()
    is_code = pc.is_in(codes, value_set=pa.array(genetic_codes(), pa.int64()))
    facts = {
        "organelle": pc.if_else(
            pc.is_valid(location), organelles_of_words(location), of_headers["organelle"].combine_chunks()
        ),
        "genetic_code": pc.coalesce(
            pc.if_else(is_code, codes, None).cast(pa.int32()), of_headers["genetic_code"].combine_chunks()
        ),
        "taxid": pc.coalesce(records["taxid"], of_headers["taxid"]),
        "organism": pc.coalesce(records["organism"], of_headers["organism"]),
    }
    is_refused = pc.and_(pc.is_valid(codes), pc.invert(is_code))
    ids, refused = (
        each.filter(is_refused) for each in (records["seq_id"].combine_chunks(), codes.cast(pa.string()))
    )
    found = {name: facts.get(name, of_headers[name]) for name in FACTS.names}
    return pa.table(found, schema=FACTS), pc.binary_join_element_wise(ids, " (", refused, ")", "")
