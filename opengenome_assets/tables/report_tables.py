"""The report's own tables, made from the counts: readings, measures, expectations, six frames."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS, FRAMES, STRANDS
from opengenome_assets.codons.genetic_codes import STOP
from opengenome_assets.schemas import CODON_EXPECTATIONS, CODON_MEASURES, CODON_READINGS, SIX_FRAMES
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.groups import AMBIGUOUS, Frame, GroupTally, Tallies
from opengenome_assets.tables.readings import nullable, read_codons


def report_tables(
    counts: Iterable[pa.Table], parameters: TableParameters, only: Collection[str] | None = None
) -> dict[str, pa.Table]:
    """Make the report's tables, in addition to the frequency table.

    In all of them ``all`` comes first, then the groups by name. Ambiguous codons take part in no measure, and
    ``min_count`` hides nothing.

    Args:
        counts: tables of schema ``CODON_COUNTS``, the rows of all batches in any order.
        parameters: frame, strand, code and what to leave out.
        only: groups to report in addition to ``all``; every group by default.

    Returns:
        - ``readings``, schema ``CODON_READINGS``: the frequency table, with a codon in a row for each of its
          readings, whose counts add up to the codon's count. Amino acids by letter, the stop last, and then
          (unless ``skip_n``) the ambiguous codons with amino acid X.
        - ``measures``, schema ``CODON_MEASURES``: a row for each group. GC3s is exact over several codes: each
          record's codons have a synonym or not under its own code. The effective numbers of codons compare
          families of one code, so they are null where a group's codes differ.
        - ``expectations``, schema ``CODON_EXPECTATIONS``, in the order of the frequency table: each codon's
          frequency and the one expected from independent bases, with the bases of all positions together and of
          each position by itself. Frequency over the latter, less 1, is the codon's relative codon bias:
          Roymondal, Das and Sahoo (2009), https://doi.org/10.1093/dnares/dsn029. With ``skip_stops`` the bases
          are those of the codons that remain, and the expected frequencies sum to 1 over these: for each genetic
          code over its codons, so that a codon is expected only in records that do not read it as a stop.
        - ``six_frames``, schema ``SIX_FRAMES``: codons and stops of each strand and frame, by each record's own
          code, and the stops expected from the bases of the frame's codons. A frame in which genes are
          read has fewer.
    """
    six = [Frame(strand, frame) for strand in STRANDS for frame in FRAMES]
    chosen = Frame(parameters.strand, parameters.frame)
    tallies = Tallies(counts, list(dict.fromkeys([*six, chosen])), parameters.code, only)
    groups = tallies.of(chosen)
    skip_stops = parameters.skip_stops
    return {
        "readings": pa.concat_tables([_readings(each, parameters) for each in groups]),
        "measures": pa.Table.from_pylist(
            [_measures(each, skip_stops=skip_stops) for each in groups], schema=CODON_MEASURES
        ),
        "expectations": pa.concat_tables([_expectations(each, skip_stops=skip_stops) for each in groups]),
        "six_frames": pa.Table.from_pylist(
            list(_six_frames({frame: tallies.of(frame) for frame in six})), schema=SIX_FRAMES
        ),
    }


def _readings(tally: GroupTally, parameters: TableParameters) -> pa.Table:
    readings = read_codons(tally.by_code, tally.codes, skip_stops=parameters.skip_stops)
    ambiguous = {} if parameters.skip_n else tally.ambiguous
    at, codons = np.nonzero(readings.exists)
    counts = np.concatenate([readings.counts[at, codons], np.array(list(ambiguous.values()), dtype=np.int64)])
    unknown = np.full(len(ambiguous), np.nan)
    numbers = np.array([code.id for code in tally.codes])
    codes = [_spaced(numbers[readings.codes[pair[0], :, pair[1]]]) for pair in zip(at, codons, strict=True)]
    return pa.table(
        {
            "group": [tally.group] * counts.size,
            "amino_acid": [*(readings.letters[place] for place in at), *(AMBIGUOUS for _ in ambiguous)],
            "codon": [*(CODONS[place] for place in codons), *ambiguous],
            "genetic_codes": [*codes, *(_spaced(numbers) for _ in ambiguous)],
            "count": counts,
            "per_thousand": nullable(measures.per_thousand(counts[None])[0]),
            "fraction": nullable(np.concatenate([readings.fraction[at, codons], unknown])),
            "rscu": nullable(np.concatenate([readings.rscu[at, codons], unknown])),
        },
        schema=CODON_READINGS,
    )


def _spaced(numbers: Sequence[int] | NDArray[np.int64]) -> str:
    return " ".join(str(number) for number in numbers)


def _measures(tally: GroupTally, *, skip_stops: bool) -> dict[str, object]:
    counts = read_codons(tally.by_code, tally.codes, skip_stops=skip_stops).codon_counts[None]
    synonymous = [code.synonymous * each for code, each in zip(tally.codes, tally.by_code, strict=True)]
    # Codes such as 1 and 11 read all codons alike.
    code = tally.codes[0] if len({each.amino_acids for each in tally.codes}) == 1 else None
    dual = sorted({codon for each in tally.codes for codon in each.dual})
    gc1, gc2, gc3 = measures.gc_by_position(counts)[0]
    return {
        "group": tally.group,
        "genetic_codes": " ".join(str(each.id) for each in tally.codes),
        "dual_codons": " ".join(dual) or None,
        "codons": int(counts.sum()),
        "ambiguous_codons": tally.ambiguous_total,
        "enc_wright": None if code is None else _known(measures.enc_wright(counts, code)[0]),
        "enc_sun": None if code is None else _known(measures.enc_sun(counts, code)[0]),
        "gc": _known(measures.gc(counts)[0]),
        "gc1": _known(gc1),
        "gc2": _known(gc2),
        "gc3": _known(gc3),
        "gc3s": _known(measures.gc_by_position(np.sum(synonymous, axis=0)[None])[0, 2]),
    }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _expectations(tally: GroupTally, *, skip_stops: bool) -> pa.Table:
    readings = read_codons(tally.by_code, tally.codes, skip_stops=skip_stops)
    counts, kept = readings.codon_counts[None], readings.kept
    # Shape (codes, 64): whether each code keeps a codon, and (codes, 1): how many codons of its records are kept.
    kept_by_code = readings.codes.any(axis=0)
    of_code = np.where(kept_by_code, tally.by_code, 0).sum(axis=1, keepdims=True)

    def expected_of_kept(*, by_position: bool) -> NDArray[np.float64]:
        drawn = np.where(kept_by_code, measures.expected_frequency(counts, by_position=by_position), 0)
        # A code without codons may have nothing that can be drawn.
        expected = (of_code * np.nan_to_num(measures.frequency(drawn))).sum(axis=0)
        return measures.ratio(expected, of_code.sum())[kept]

    frequency = measures.frequency(counts)[0, kept]
    expected, by_position = expected_of_kept(by_position=False), expected_of_kept(by_position=True)
    return pa.table(
        {
            "group": [tally.group] * frequency.size,
            "codon": list(np.array(CODONS)[kept]),
            "frequency": nullable(frequency),
            "expected": nullable(expected),
            "observed_over_expected": nullable(measures.ratio(frequency, expected)),
            "expected_by_position": nullable(by_position),
            "observed_over_expected_by_position": nullable(measures.ratio(frequency, by_position)),
        },
        schema=CODON_EXPECTATIONS,
    )


def _six_frames(frames: Mapping[Frame, list[GroupTally]]) -> Iterable[dict[str, object]]:
    # Each frame has all groups, in the same order.
    for of_group in zip(*frames.values(), strict=True):
        for (strand, frame), tally in zip(frames, of_group, strict=True):
            yield {"group": tally.group, "strand": strand, "frame": frame, **_stops(tally)}


def _stops(tally: GroupTally) -> dict[str, object]:
    codons = int(tally.counts.sum())
    stops, dual, expected = 0, 0, 0.0
    for code, counts in zip(tally.codes, tally.by_code, strict=True):
        is_stop = code.letters == STOP
        stops += int(counts[is_stop].sum())
        dual += int(counts[np.isin(CODONS, code.dual)].sum())
        if counts.any():
            expected += float(measures.expected_frequency(counts[None])[0, is_stop].sum() * counts.sum())
    return {
        "codons": codons,
        "ambiguous_codons": tally.ambiguous_total,
        "stops": stops,
        "stop_frequency": stops / codons if codons else None,
        "expected_stop_frequency": expected / codons if codons else None,
        "dual": dual,
    }
