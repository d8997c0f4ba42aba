"""Retrieval by sorting each query's database in a loop; chances by counting combinations."""

import math

import numpy as np

from tests.references.pose_errors import pa_mpjpe


def mean_figures(embedding, pose, subject, camera, instant, case, ks, hit_mm):
    """Averages over the queries that have a database: {"embedding_mm@5": ...}; empty if none has."""
    embedding = np.asarray(embedding, np.float64)
    embedding = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    figures = []
    for query in range(len(embedding)):
        database = [image for image in range(len(embedding)) if is_in_database(query, image, subject, camera, case)]
        if not database:
            continue
        error = {image: pa_mpjpe([pose[image]], [pose[query]])[0] for image in database}

        def by_embedding(image, query=query):
            # Steps of 2^-24 in squared distance, then instant, then camera.
            squared = ((embedding[query] - embedding[image]) ** 2).sum()
            return round(squared * 2**24), instant[image], camera[image]

        rankings = {"embedding": sorted(database, key=by_embedding), "oracle": sorted(database, key=error.get)}
        figures.append({})
        for k in ks:
            for name, ranking in rankings.items():
                errors = [error[image] for image in ranking[:k]]
                figures[-1][f"{name}_mm@{k}"] = sum(errors) / len(errors)
                figures[-1][f"{name}_hit@{k}"] = float(min(errors) <= hit_mm)
            misses, taken = sum(e > hit_mm for e in error.values()), min(k, len(database))
            figures[-1][f"random_mm@{k}"] = sum(error.values()) / len(database)
            figures[-1][f"random_hit@{k}"] = 1 - math.comb(misses, taken) / math.comb(len(database), taken)
    mean = {name: sum(f[name] for f in figures) / len(figures) for name in (figures[0] if figures else ())}
    return mean | {
        f"above_oracle_mm@{k}": mean[f"embedding_mm@{k}"] - mean[f"oracle_mm@{k}"] for k in (ks if figures else ())
    }


def is_in_database(query, image, subject, camera, case):
    if camera[image] == camera[query]:
        return False
    same_subject = subject[image] == subject[query]
    return {"all": True, "own": same_subject, "cross": not same_subject}[case]
