until 11:10
09:00    door 3/1203 closed
09:30    command {"command":"home-temperature","household":"g017/3/1203","celsius":37.3,"site":"axilla","by":"resident"}
           raised home-fever 3/1203
           page doctor
           page worker
09:31    worker closes home-fever 3/1203 false-alarm
           rejected not-allowed
09:45      page police step 1
09:50    doctor closes home-fever 3/1203 true-alarm
           closed true-alarm
10:00    command {"command":"symptoms","household":"g017/3/1204","symptoms":["cough"],"by":"resident"}
           raised home-fever 3/1204
           page doctor
           page worker
10:01    doctor acknowledges home-fever 3/1204
           acknowledged doctor
10:02    doctor snoozes home-fever 3/1204 until 12:00
           rejected not-allowed
10:10    doctor closes home-fever 3/1204 true-alarm
           closed true-alarm
10:20    command {"command":"home-temperature","household":"g017/3/1203","celsius":20,"site":"axilla","by":"resident"}
           rejected implausible
10:21    command {"command":"symptoms","household":"g017/3/0501","symptoms":["fever"],"by":"resident"}
           raised fever-cluster g017/3
           page doctor
           page worker
           page supervisor
           raised home-fever 3/0501
           page doctor
           page worker
10:36      page police step 1
