"""Reads a partitioned Delta table in a folder with delta-rs, appends the same rows with it, and prints what it saw, as JSON.

Input (stdin): {"folder": "/tmp/x"}
"""
import json
import sys

from deltalake import DeltaTable, write_deltalake

folder = json.load(sys.stdin)["folder"]


def rows_of(table):
    rows = table.to_pyarrow_table().to_pylist()
    return sorted(
        ([row["id"], *(str(row[name]) for name in sorted(row) if name != "id")] for row in rows),
        key=lambda row: row[0],
    )


table = DeltaTable(folder)
seen = {
    "rows": rows_of(table),
    "partitionColumns": table.metadata().partition_columns,
    "fields": [[field.name, str(field.type.type)] for field in table.schema().fields],
    "partitions": sorted(str(sorted(partition.items())) for partition in table.partitions()),
}
write_deltalake(folder, table.to_pyarrow_table(), mode="append")
json.dump(seen, sys.stdout)
