"""Opens Delta tables on a storage emulator with delta-rs and prints what it finds, as JSON.

Input (stdin): {"blobEndpoint": "http://127.0.0.1:10000", "appIds": {"readings": ["ingest/hub/0", ...], ...}}
"""
import json
import os
import sys

import pyarrow.compute as pc
from deltalake import DeltaTable

wanted = json.load(sys.stdin)
# delta-rs takes the emulator's address from the environment only.
os.environ["AZURITE_BLOB_STORAGE_URL"] = wanted["blobEndpoint"]
options = {"azure_storage_use_emulator": "true", "allow_http": "true"}
found = {}
for name in wanted["appIds"]:
    table = DeltaTable(f"az://lake/tables/{name}", storage_options=options)
    rows = table.to_pyarrow_table()
    adds = table.get_add_actions(flatten=True)
    sequence = pc.sum(rows["_sequence_number"]).as_py()
    found[name] = {
        "version": table.version(),
        "rows": rows.num_rows,
        "sequence": sequence,
        "statisticsRows": sum(value.as_py() for value in adds["num_records"]),
        "schema": table.schema().to_json(),
        "transactions": {app_id: table.transaction_version(app_id) for app_id in wanted["appIds"][name]},
    }
    if name == "readings":
        found[name]["sums"] = {
            "temperatures": pc.count(rows["temperature"]).as_py(),
            "temperature": round(pc.sum(rows["temperature"]).as_py(), 6),
            "latest": pc.max(pc.cast(rows["event_time"], "int64")).as_py(),
            "device": pc.min(rows["device_id"]).as_py(),
        }
json.dump(found, sys.stdout)
