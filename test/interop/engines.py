"""Serves Spark with Delta Lake and delta-rs to a test, so that Spark starts once for many requests.

stdin has the settings, then one request per line: {"op": ..., ...}. stdout has one answer per line: {"value": ...} or {"error": ...},
the first one when Spark is up. Rows are in the spelling of test/support/canonicalRows.ts. Paths are those of the table's folder.
"""
import datetime
import decimal
import glob
import json
import math
import os
import sys
import time

# Answers go to a copy of stdout: what Spark and its subprocesses print must not get between them.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
os.environ["TZ"] = "UTC"
time.tzset()

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, QueryBuilder, write_deltalake
from pyspark.sql import SparkSession

CONFIGURATION = {
    "spark.master": "local[2]",
    "spark.driver.memory": "1g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    # Starting matters more than running: tables are small, and no query runs twice.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.databricks.delta.merge.materializeSource": "none",
    # Far less than the defaults, which are for clusters.
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    # The default keeps checksums beside the files, which go stale when another engine replaces a file.
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    "spark.hadoop.fs.AbstractFileSystem.file.impl": "org.apache.hadoop.fs.local.RawLocalFs",
}


def start_spark(jar_folder, work_folder):
    builder = SparkSession.builder.appName("interop")
    builder = builder.config("spark.jars", ",".join(glob.glob(os.path.join(jar_folder, "*.jar"))))
    builder = builder.config("spark.sql.warehouse.dir", os.path.join(work_folder, "warehouse"))
    for key, value in CONFIGURATION.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def pair_order(pair):
    return json.dumps(pair, ensure_ascii=False, separators=(",", ":"))


def canonical_scalar(value):
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        if value == 0 and math.copysign(1, value) < 0:
            return "-0.0"
    return value


def canonical_spark(value, kind):
    """`kind` is the type's `jsonValue()`."""
    if value is None:
        return None
    if isinstance(kind, dict):
        if kind["type"] == "struct":
            return {field["name"]: canonical_spark(part, field["type"]) for field, part in zip(kind["fields"], value)}
        if kind["type"] == "array":
            return [canonical_spark(part, kind["elementType"]) for part in value]
        if kind["type"] == "map":
            pairs = [
                [canonical_spark(key, kind["keyType"]), canonical_spark(part, kind["valueType"])]
                for key, part in value.items()
            ]
            return sorted(pairs, key=pair_order)
    if kind == "long":
        return str(value)
    if kind.startswith("decimal("):
        return format(value, f".{kind[:-1].split(',')[1]}f")  # Spark hands small ones over with more digits than the type has
    if kind == "timestamp":
        return value.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    if kind == "timestamp_ntz":
        return value.isoformat(timespec="microseconds")
    return canonical_scalar(value)


def canonical_arrow(value, kind):
    """`kind` is the Arrow type."""
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return {field.name: canonical_arrow(value[field.name], field.type) for field in kind}
    if pa.types.is_map(kind):
        pairs = [[canonical_arrow(key, kind.key_type), canonical_arrow(part, kind.item_type)] for key, part in value]
        return sorted(pairs, key=pair_order)
    if pa.types.is_nested(kind):
        return [canonical_arrow(part, kind.value_type) for part in value]
    if pa.types.is_int64(kind):
        return str(value)
    if pa.types.is_timestamp(kind):
        text = value.replace(tzinfo=None).isoformat(timespec="microseconds")
        return text if kind.tz is None else text + "Z"
    return canonical_scalar(value)


def spark_rows(frame):
    kind = frame.schema.jsonValue()
    return [canonical_spark(tuple(row), kind) for row in frame.collect()]


def arrow_rows(table):
    return [
        {field.name: canonical_arrow(row[field.name], field.type) for field in table.schema} for row in table.to_pylist()
    ]


def spark_table(path, version=None):
    reader = spark.read.format("delta")
    return (reader if version is None else reader.option("versionAsOf", version)).load(path)


def sql(statements):
    """@returns the rows of the last statement"""
    for statement in statements[:-1]:
        spark.sql(statement)
    return spark_rows(spark.sql(statements[-1]))


def set_spark(settings):
    """null sets a setting back."""
    for key, value in settings.items():
        if value is None:
            spark.conf.unset(key)
        else:
            spark.conf.set(key, value)


def spark_read(path, version=None):
    frame = spark_table(path, version)
    # Spark answers the count from the statistics in the log alone.
    return {"rows": spark_rows(frame), "schema": frame.schema.jsonValue(), "count": frame.count()}


def spark_log(path, isFresh=False):
    """The newest version of the table as Spark's own log replay has it."""
    java = spark._jvm
    if isFresh:
        java.org.apache.spark.sql.delta.DeltaLog.clearCache()
    log = java.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, path)
    snapshot = log.update(False, java.scala.Option.empty(), java.scala.Option.empty())
    checkpoint = snapshot.logSegment().checkpointProvider()
    found = snapshot.setTransactions()
    transactions = [found.apply(index) for index in range(found.length())]
    return {
        "version": snapshot.version(),
        "fileCount": snapshot.numOfFiles(),
        "checkpointVersion": checkpoint.version(),
        "transactions": {txn.appId(): txn.version() for txn in transactions},
    }


def spark_select(path, where, columns):
    """With and without data skipping: the rows, and how many files Spark opened for them."""
    found = {}
    for name, skipping in (("skipping", "true"), ("full", "false")):
        spark.conf.set("spark.databricks.delta.stats.skipping", skipping)
        frame = spark_table(path).where(where).select(*columns)
        rows = spark_rows(frame)
        scan = frame._jdf.queryExecution().executedPlan().collectLeaves().apply(0)
        found[name] = {"rows": rows, "fileCount": scan.metrics().apply("numFiles").value()}
    spark.conf.unset("spark.databricks.delta.stats.skipping")
    return found


def spark_stream(path, target):
    """Brings `target` up to date with a streaming query, which remembers in `target` how far it read."""
    source = spark.readStream.format("delta").load(path)
    sink = source.writeStream.format("delta").option("checkpointLocation", os.path.join(target, "_checkpoint"))
    query = sink.trigger(availableNow=True).start(target)
    query.awaitTermination()
    return str(query.id)


def delta_rs_query(path, query):
    """The table is `t`."""
    return arrow_rows(pa.table(QueryBuilder().register("t", DeltaTable(path)).execute(query)))


def delta_rs_read(path, version=None, app_ids=()):
    found = DeltaTable(path, version=version)
    rows = pa.table(QueryBuilder().register("t", found).execute("select * from t"))
    adds = pa.table(found.get_add_actions(flatten=True))
    return {
        "version": found.version(),
        "rows": arrow_rows(rows),
        "schema": json.loads(found.schema().to_json()),
        "fileCount": adds.num_rows,
        "transactions": {app_id: found.transaction_version(app_id) for app_id in app_ids},
    }


def arrow_table(rows, columns):
    """`columns` are pairs of name and Arrow type; `timestamp` stands for microseconds in UTC, which have no alias there."""
    kinds = [pa.timestamp("us", "UTC") if kind == "timestamp" else kind for _, kind in columns]
    arrays = [pa.array([row[index] for row in rows], kind) for index, kind in enumerate(kinds)]
    return pa.table(arrays, names=[name for name, _ in columns])


# Rivals that commit all the time may win more often than the 15 times after which delta-rs gives up.
PATIENT = CommitProperties(max_commit_retries=1000)


def delta_rs_append(path, rows, columns, schema_mode=None):
    table = arrow_table(rows, columns)
    write_deltalake(path, table, mode="append", schema_mode=schema_mode, commit_properties=PATIENT)


def delta_rs_copy(source, target, partition_by=None):
    """What delta-rs reads from one table it writes as another."""
    rows = pa.table(QueryBuilder().register("t", DeltaTable(source)).execute("select * from t"))
    write_deltalake(target, rows, partition_by=partition_by, mode="append")


def delta_rs_delete(path, predicate):
    return DeltaTable(path).delete(predicate, commit_properties=PATIENT)


def delta_rs_update(path, predicate, updates):
    return DeltaTable(path).update(predicate=predicate, updates=updates)


def delta_rs_merge(path, rows, columns, on):
    """Updates the rows that match, inserts the others."""
    merge = DeltaTable(path).merge(arrow_table(rows, columns), f"t.{on} = s.{on}", source_alias="s", target_alias="t")
    return merge.when_matched_update_all().when_not_matched_insert_all().execute()


def delta_rs_optimize(path, z_order=None):
    optimizer = DeltaTable(path).optimize
    return optimizer.compact() if z_order is None else optimizer.z_order(z_order)


def delta_rs_checkpoint(path):
    DeltaTable(path).create_checkpoint()


def delta_rs_compact_logs(path, start, end):
    DeltaTable(path).compact_logs(start, end)


def delta_rs_vacuum(path):
    return DeltaTable(path).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)


OPERATIONS = {
    "sql": sql,
    "setSpark": set_spark,
    "sparkRead": spark_read,
    "sparkLog": spark_log,
    "sparkSelect": spark_select,
    "sparkStream": spark_stream,
    "deltaRsQuery": delta_rs_query,
    "deltaRsRead": delta_rs_read,
    "deltaRsAppend": delta_rs_append,
    "deltaRsCopy": delta_rs_copy,
    "deltaRsDelete": delta_rs_delete,
    "deltaRsUpdate": delta_rs_update,
    "deltaRsMerge": delta_rs_merge,
    "deltaRsOptimize": delta_rs_optimize,
    "deltaRsCheckpoint": delta_rs_checkpoint,
    "deltaRsCompactLogs": delta_rs_compact_logs,
    "deltaRsVacuum": delta_rs_vacuum,
}


def answer(value):
    # default: metrics of delta-rs may hold what is no JSON; no test looks at that.
    answers.write(json.dumps(value, default=str) + "\n")
    answers.flush()


def main():
    global spark
    settings = json.loads(sys.stdin.readline())
    spark = start_spark(settings["jarFolder"], settings["workFolder"])
    answer({"value": {"spark": spark.version}})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer({"value": OPERATIONS[request.pop("op")](**request)})
        except Exception as error:  # the test fails with it, on the other side
            answer({"error": f"{type(error).__name__}: {error}".split("\n\tat ")[0]})  # without the stack of Java
    spark.stop()


main()
