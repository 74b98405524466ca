# A checkpoint's fever counts for a building only where its pass was registered to a household of it.
until 10:04
10:00    command {"command":"symptoms","household":"g017/3/1203","symptoms":["fever"],"by":"resident"}
           raised home-fever 3/1203
           page doctor
           page worker
10:01    command {"command":"symptoms","household":"g017/3/1204","symptoms":["fever"],"by":"resident"}
           raised home-fever 3/1204
           page doctor
           page worker
10:02    gun north 38.6 pass A-7
           raised fever north/A-7
           page doctor
10:03    guard registers north A-7 3/0501
           raised fever-cluster g017/3
           page doctor
           page worker
           page supervisor
