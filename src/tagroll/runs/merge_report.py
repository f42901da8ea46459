"""The report of a run of merging: what the older script wrote, key by key, and what tagroll knows beside it."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from tagroll.tags.merge import Plan

REPORT = "tag_deduplication_report_embedding.json"
DRY_REPORT = "tag_deduplication_report_dryrun.json"


def older_report(
    configuration: Mapping[str, object],
    mapping: Mapping[str, str],
    counts: Mapping[str, int],
    results: Mapping[str, int],
    embedded: int,
) -> dict[str, Any]:
    """The report as the older script writes it, key by key: programs may read it.

    Args:
        configuration: What was asked for.
        mapping: Tag -> the word it becomes.
        counts: Tag -> how many photos carry it, before.
        results: "files_updated", "files_failed" and "total_files_processed".
        embedded: How many tags have a vector.
    """
    merged: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for tag, word in mapping.items():
        number = counts.get(tag, 0)  # no photo carries a tag twice: files and occurrences are the same
        merged[word].append({"old_tag": tag, "frequency": number, "files_affected": number})
    clusters = {
        word: {
            "representative_tag": word, "merged_tags": rows,
            "total_frequency": sum(row["frequency"] for row in rows),
            "total_files_affected": sum(row["files_affected"] for row in rows),
        }
        for word, rows in merged.items()
    }  # fmt: skip
    summary = {
        "total_unique_tags_before": len(counts),
        "total_tags_merged": len(mapping),
        "total_clusters_created": len(clusters),
        "total_files_affected": results["total_files_processed"],
        "files_updated_successfully": results["files_updated"],
        "files_failed": results["files_failed"],
        "embedding_cache_size": embedded,
    }
    return {
        "configuration": dict(configuration), "tag_mapping": dict(mapping), "clusters": clusters,
        "results": dict(results), "summary": summary,
    }  # fmt: skip


def plan_report(plan: "Plan", mapping: Mapping[str, str], counts: Mapping[str, int]) -> dict[str, Any]:
    """What the report says of the plan that the older script did not know."""
    background = plan.background
    return {
        "unique_tags_after": len({mapping.get(tag, tag) for tag in counts}),
        "merges": [merge.row() for merge in plan.merges],
        "suggested": [merge.row() for merge in plan.suggested],
        "hierarchy": [{"parent": one.parent, "child": one.child, "reason": one.reason} for one in plan.hierarchy],
        "background": None if background is None else {
            "median": round(background.median, 4),
            "share_at_threshold": round(background.share(background.threshold), 6),
            "usable": background.usable,
            "fitting_threshold": background.fitting,
        },
    }  # fmt: skip
