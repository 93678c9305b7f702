"""Reads a Delta table in a folder with delta-rs and prints what it finds, as JSON.

Input (stdin): {"folder": "/path/of/the/table"}. Decimals, longs and times are printed as text, bytes in hex, maps as
pairs sorted by key.
"""
import datetime
import decimal
import json
import sys

import pyarrow as pa
from deltalake import DeltaTable


def plain(value, kind):
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return {field.name: plain(value[field.name], field.type) for field in kind}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [plain(item, kind.value_type) for item in value]
    if pa.types.is_map(kind):
        pairs = [[plain(key, kind.key_type), plain(item, kind.item_type)] for key, item in value]
        return sorted(pairs, key=json.dumps)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if pa.types.is_int64(kind) else value


table = DeltaTable(json.load(sys.stdin)["folder"])
rows = table.to_pyarrow_table()
actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
json.dump(
    {
        "version": table.version(),
        "schema": json.loads(table.schema().to_json()),
        "rows": [plain(row, pa.struct(list(rows.schema))) for row in rows.to_pylist()],
        "statistics": [
            {name: str(value) for name, value in action.items() if name.startswith(("min.", "max.", "null_count."))}
            for action in actions
        ],
    },
    sys.stdout,
)
