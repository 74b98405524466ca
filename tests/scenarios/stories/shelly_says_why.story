# Shelly's reason joins a value within 2 s and delays nothing; periodic makes a changed value "found open".
until 10:20
09:00    publish shellies/shellydw2-1/sensor/state close
09:30    publish shellies/shellydw2-1/sensor/act_reasons ["sensor"]
09:30    publish shellies/shellydw2-1/sensor/state open
           raised undeclared-opening 3/0105
           page worker
09:31    publish shellies/shellydw2-1/sensor/state close
09:32    worker closes undeclared-opening 3/0105 true-alarm
           closed true-alarm
10:00    publish shellies/shellydw2-1/sensor/act_reasons ["periodic"]
10:00:01 publish shellies/shellydw2-1/sensor/state open
           raised undeclared-opening 3/0105
           page worker
10:01    publish shellies/shellydw2-1/sensor/state close
10:02    worker acknowledges undeclared-opening 3/0105
           acknowledged worker
10:11      cleared
