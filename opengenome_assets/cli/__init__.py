"""``opengenome``: the graph for those who do not want to know what Dagster is."""

try:
    from opengenome_assets.cli.main import main
except KeyboardInterrupt:
    # Loading takes seconds, and main() is what answers Ctrl-C from then on.
    import sys

    sys.stderr.write("Interrupted before anything was run.\n")
    raise SystemExit(130) from None

__all__ = ["main"]
