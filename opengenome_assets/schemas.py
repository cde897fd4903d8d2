"""The columns of every table the project writes: declared here once, derived everywhere else."""

import pyarrow as pa

# Output of the readers of FASTA and Parquet. The letters of sequence are unchanged.
RECORDS = pa.schema(
    [
        ("seq_id", pa.string()),
        ("description", pa.string()),
        ("sequence", pa.large_string()),
        ("source", pa.string()),
    ]
)

# {warehouse}/{dataset}/sequences/{batch}.parquet
SEQUENCES = pa.schema(
    [
        pa.field(
            "row", pa.int64(), nullable=False, metadata={"description": "row number in the input, from 0"}
        ),
        pa.field("seq_id", pa.string(), metadata={"description": "first word of the record's header"}),
        pa.field("description", pa.string(), metadata={"description": "the header after its first word"}),
        pa.field("length", pa.int64(), nullable=False, metadata={"description": "bases"}),
        pa.field("sequence", pa.large_string(), nullable=False, metadata={"description": "letters as found"}),
        pa.field("source", pa.string(), metadata={"description": "name of the input file"}),
        pa.field(
            "group",
            pa.string(),
            nullable=False,
            metadata={"description": "all, or the record's group"},
        ),
        pa.field(
            "genetic_code",
            pa.int32(),
            metadata={"description": "NCBI id, where the metadata table names one"},
        ),
    ]
)

# {warehouse}/{dataset}/lengths/{batch}.parquet, if the sequences of the batch were removed
LENGTHS = pa.schema(
    [
        *(field for field in SEQUENCES if field.name != "sequence"),
        pa.field(
            "sha256",
            pa.string(),
            nullable=False,
            metadata={"description": "hash of the sequence's letters, hexadecimal"},
        ),
    ]
)

# {warehouse}/{dataset}/rejected/{batch}.parquet, if the batch has rejected records
REJECTED = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False, metadata={"description": "row number in the input"}),
        pa.field("seq_id", pa.string(), metadata={"description": "first word of the record's header"}),
        pa.field("description", pa.string(), metadata={"description": "the header after its first word"}),
        pa.field("length", pa.int64(), nullable=False, metadata={"description": "bytes of the sequence"}),
        pa.field("sequence", pa.large_binary(), nullable=False, metadata={"description": "bytes as found"}),
        pa.field("source", pa.string(), metadata={"description": "name of the input file"}),
        pa.field("reason", pa.string(), nullable=False, metadata={"description": "why it is not counted"}),
    ]
)

# {warehouse}/{dataset}/codon_counts/{batch}.parquet
CODON_COUNTS = pa.schema(
    [
        pa.field(
            "group",
            pa.string(),
            nullable=False,
            metadata={"description": "all, or the record's group"},
        ),
        pa.field(
            "genetic_code",
            pa.int32(),
            metadata={"description": "NCBI id, where the metadata table names one"},
        ),
        pa.field(
            "strand", pa.string(), nullable=False, metadata={"description": "forward (+) or reverse (-)"}
        ),
        pa.field(
            "frame", pa.int32(), nullable=False, metadata={"description": "bases from the strand's start"}
        ),
        pa.field(
            "codon", pa.string(), nullable=False, metadata={"description": "upper case, U written as T"}
        ),
        pa.field("count", pa.int64(), nullable=False, metadata={"description": "codons, never zero"}),
    ]
)

# {warehouse}/{dataset}/codon_frequencies.parquet
CODON_FREQUENCIES = pa.schema(
    [
        pa.field("group", pa.string(), nullable=False, metadata={"description": "all, or a group's name"}),
        pa.field("codon", pa.string(), nullable=False, metadata={"description": "upper case, T for U"}),
        pa.field(
            "amino_acid",
            pa.string(),
            metadata={"description": "one letter, * stop, X ambiguous; null if the group's codes differ"},
        ),
        pa.field("count", pa.int64(), nullable=False, metadata={"description": "codons"}),
        pa.field("frequency", pa.float64(), metadata={"description": "share of all codons in the table"}),
        pa.field("per_thousand", pa.float64(), metadata={"description": "codons per thousand"}),
        pa.field(
            "fraction",
            pa.float64(),
            metadata={
                "description": "share of the amino acid's codons, each record read by its own genetic code; null if "
                "there are none, or if the group's codes read the codon differently"
            },
        ),
        pa.field(
            "rscu",
            pa.float64(),
            metadata={
                "description": "count / count if all synonyms were used alike (under one genetic code: fraction × "
                "codons of the amino acid); null where fraction is"
            },
        ),
    ]
)

# One row per group, codon and amino acid that one of the group's genetic codes gives it.
CODON_READINGS = pa.schema(
    [
        pa.field("group", pa.string(), nullable=False, metadata={"description": "all, or a group's name"}),
        pa.field(
            "amino_acid",
            pa.string(),
            nullable=False,
            metadata={"description": "one letter, * stop, X ambiguous"},
        ),
        pa.field("codon", pa.string(), nullable=False, metadata={"description": "upper case, T for U"}),
        pa.field(
            "genetic_codes",
            pa.string(),
            nullable=False,
            metadata={"description": "NCBI ids of the group's codes that read the codon so, spaced"},
        ),
        pa.field(
            "count",
            pa.int64(),
            nullable=False,
            metadata={"description": "codons in records of these codes"},
        ),
        pa.field("per_thousand", pa.float64(), metadata={"description": "codons per thousand"}),
        pa.field("fraction", pa.float64(), metadata={"description": "share of the amino acid's codons"}),
        pa.field(
            "rscu",
            pa.float64(),
            metadata={"description": "count / count if, under each code, all synonyms were used alike"},
        ),
    ]
)

# One row per group: measures over all codons of the group.
CODON_MEASURES = pa.schema(
    [
        pa.field("group", pa.string(), nullable=False, metadata={"description": "all, or a group's name"}),
        pa.field("genetic_codes", pa.string(), nullable=False, metadata={"description": "NCBI ids, spaced"}),
        pa.field("dual_codons", pa.string(), metadata={"description": "both sense and stop, spaced"}),
        pa.field("codons", pa.int64(), nullable=False, metadata={"description": "without ambiguous ones"}),
        pa.field("ambiguous_codons", pa.int64(), nullable=False, metadata={"description": "not A, C, G, T"}),
        pa.field(
            "enc_wright",
            pa.float64(),
            metadata={"description": "effective number of codons, 1990; null if the group's codes differ"},
        ),
        pa.field(
            "enc_sun",
            pa.float64(),
            metadata={"description": "effective number of codons, 2013; null if the group's codes differ"},
        ),
        pa.field("gc", pa.float64(), metadata={"description": "share of G and C"}),
        pa.field("gc1", pa.float64(), metadata={"description": "share of G and C at position 1"}),
        pa.field("gc2", pa.float64(), metadata={"description": "share of G and C at position 2"}),
        pa.field("gc3", pa.float64(), metadata={"description": "share of G and C at position 3"}),
        pa.field(
            "gc3s",
            pa.float64(),
            metadata={"description": "gc3 of codons that have a synonym under their record's code"},
        ),
    ]
)

# One row per group and codon: observed frequency, and the one expected from the bases alone.
CODON_EXPECTATIONS = pa.schema(
    [
        pa.field("group", pa.string(), nullable=False, metadata={"description": "all, or a group's name"}),
        pa.field("codon", pa.string(), nullable=False, metadata={"description": "upper case, T for U"}),
        pa.field("frequency", pa.float64(), metadata={"description": "share of unambiguous codons"}),
        pa.field("expected", pa.float64(), metadata={"description": "from the overall bases"}),
        pa.field("observed_over_expected", pa.float64(), metadata={"description": "frequency / expected"}),
        pa.field(
            "expected_by_position", pa.float64(), metadata={"description": "from each position's bases"}
        ),
        pa.field(
            "observed_over_expected_by_position",
            pa.float64(),
            metadata={"description": "frequency / expected_by_position"},
        ),
    ]
)

# One row per group, strand and frame, to see whether a frame is informative.
SIX_FRAMES = pa.schema(
    [
        pa.field("group", pa.string(), nullable=False, metadata={"description": "all, or a group's name"}),
        pa.field(
            "strand", pa.string(), nullable=False, metadata={"description": "forward (+) or reverse (-)"}
        ),
        pa.field(
            "frame", pa.int32(), nullable=False, metadata={"description": "bases from the strand's start"}
        ),
        pa.field("codons", pa.int64(), nullable=False, metadata={"description": "without ambiguous ones"}),
        pa.field("ambiguous_codons", pa.int64(), nullable=False, metadata={"description": "not A, C, G, T"}),
        pa.field("stops", pa.int64(), nullable=False, metadata={"description": "by each record's code"}),
        pa.field("stop_frequency", pa.float64(), metadata={"description": "stops / codons"}),
        pa.field("expected_stop_frequency", pa.float64(), metadata={"description": "from the overall bases"}),
        pa.field(
            "dual", pa.int64(), nullable=False, metadata={"description": "sense and stop, not in stops"}
        ),
    ]
)

# {warehouse}/{dataset}/codon_usage_by_sequence/{batch}.parquet. The last columns are the 64 codons.
CODON_USAGE_BY_SEQUENCE = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False, metadata={"description": "row number in the input"}),
        pa.field("seq_id", pa.string(), metadata={"description": "first word of the record's header"}),
        pa.field("group", pa.string(), nullable=False, metadata={"description": "all, or a group's name"}),
        pa.field("genetic_code", pa.int32(), nullable=False, metadata={"description": "NCBI id, as used"}),
        pa.field("length", pa.int64(), nullable=False, metadata={"description": "bases"}),
        pa.field("codons", pa.int64(), nullable=False, metadata={"description": "without ambiguous ones"}),
        pa.field("skipped_codons", pa.int64(), nullable=False, metadata={"description": "ambiguous ones"}),
        pa.field("skipped_share", pa.float64(), metadata={"description": "ambiguous ones among all"}),
        *(
            CODON_MEASURES.field(name)
            for name in ("enc_wright", "enc_sun", "gc", "gc1", "gc2", "gc3", "gc3s")
        ),
        *(
            pa.field(first + second + third, pa.int64(), nullable=False, metadata={"description": "codons"})
            for first in "ACGT"
            for second in "ACGT"
            for third in "ACGT"
        ),
    ]
)

# One row per measure and bin: how the measures of single sequences spread.
SEQUENCE_SPREAD = pa.schema(
    [
        pa.field("measure", pa.string(), nullable=False, metadata={"description": "gc3 or enc_wright"}),
        pa.field("low", pa.float64(), metadata={"description": "lower end of the bin; null without a value"}),
        pa.field("high", pa.float64(), metadata={"description": "upper end, which belongs to the next bin"}),
        pa.field("sequences", pa.int64(), nullable=False, metadata={"description": "number of sequences"}),
    ]
)

# One row per group of the frequency table. The last columns are the 64 codons; double for values other than counts.
CODON_MATRIX = pa.schema(
    [
        pa.field("group", pa.string(), nullable=False, metadata={"description": "all, or a group's name"}),
        pa.field("codons", pa.int64(), nullable=False, metadata={"description": "without ambiguous ones"}),
        pa.field("ambiguous_codons", pa.int64(), nullable=False, metadata={"description": "not A, C, G, T"}),
        *(
            pa.field(first + second + third, pa.int64(), metadata={"description": "null if left out"})
            for first in "ACGT"
            for second in "ACGT"
            for third in "ACGT"
        ),
    ]
)
