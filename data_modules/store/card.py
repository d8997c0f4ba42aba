"""The data card: a store's statistics laid out for people."""


def data_card(card: dict) -> str:
    """Lay out ``store_statistics`` for people."""
    lines = [
        f"{card['name']}: {card['images']} images of {card['crop_size_px']} px by {len(card['cameras'])} cameras",
        f"source   {card['source']}",
        f"licence  {card['licence']}",
        f"content  {card['content_hash']}",
        f"actions  {', '.join(card['actions'])}",
        f"views    {_range(card['views_per_instant'])} of each instant",
        f"time     {card['fps']:g} frames a second in the source",
    ]
    if card["spacing_s"]:
        lines[-1] += f"; instants {_range(card['spacing_s'])} s apart"
    lines += [f"excluded {item['sequence']}: {item['reason']}" for item in card["excluded"]]
    lines += ["", f"{'subject':<9}{'split':<7}{'clips':>6}{'instants':>10}{'images':>9}{'with pose':>11}"]
    lines += [
        f"{name:<9}{row['split']:<7}{row['clips']:>6}{row['instants']:>10}{row['images']:>9}{row['instants_with_pose']:>11}"
        for name, row in card["subjects"].items()
    ]
    if card["mean_pose_mpjpe_mm"]:
        errors = ", ".join(f"{value:.1f} mm ({joint_set})" for joint_set, value in card["mean_pose_mpjpe_mm"].items())
        lines += [
            "",
            f"always predicting the mean training pose: MPJPE {errors};",
            "canonical frame, test subjects, mean over instants",
        ]
    return "\n".join(lines)


def _range(summary: dict) -> str:
    low, median, high = (f"{summary[name]:g}" for name in ("min", "median", "max"))
    return low if low == high else f"{low} to {high} (median {median})"
