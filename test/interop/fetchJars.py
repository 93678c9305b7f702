"""Has Spark's own resolver fetch a package from Maven Central: fetchJars.py <group:artifact:version> <folder>; jars go to <folder>/jars."""
import sys

from pyspark.sql import SparkSession

package, folder = sys.argv[1:]
(
    SparkSession.builder.master("local[1]")
    .config("spark.jars.packages", package)
    .config("spark.jars.excludes", "org.antlr:antlr4-runtime")  # is in Spark
    .config("spark.jars.ivy", folder)
    .config("spark.ui.enabled", "false")
    .config("spark.driver.memory", "512m")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .getOrCreate()
    .stop()
)
