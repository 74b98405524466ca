"""Where review asks its questions."""

from devices.edge.settings import Data, Settings, Sink
from streams.edge.embedded_series import EmbeddedReader
from streams.edge.influx import InfluxReader
from streams.edge.series_reader import open_reader


def test_without_influxdb_the_box_answers(tmp_path):
    reader = open_reader(Settings(data=Data(folder=str(tmp_path))))
    assert isinstance(reader, EmbeddedReader)
    assert list(reader.rows("door", {}, 0, 1)) == []
    reader.close()


def test_with_influxdb_it_answers(tmp_path):
    (tmp_path / "token").write_text("t")
    sink = Sink(influx_url="http://127.0.0.1:9", token_file=str(tmp_path / "token"))
    reader = open_reader(Settings(sink=sink))
    assert isinstance(reader, InfluxReader)
    reader.close()
