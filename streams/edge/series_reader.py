"""The questions of review, asked where the settings keep the time series: on this box, or in InfluxDB."""

from importlib import import_module

from devices.edge.settings import Settings
from streams.edge.series import SeriesReader


def open_reader(settings: Settings) -> SeriesReader:
    """A reader.  Raises SeriesDown, OSError, Complaint when InfluxDB cannot be used."""
    if settings.sink.influx_url:
        influx = import_module("streams.edge.influx")
        reader: SeriesReader = influx.InfluxReader(influx.connect(settings.sink))
        return reader
    return import_module("streams.edge.embedded_series").EmbeddedReader(settings.data_path / "series.db")
