# One over, one below, no third: let go after the 10 min.  One over, two below: let go at once.
until 11:00
09:30    gun north 37.0 pass A-1
           raised suspect-reading north/A-1
           page guard
09:31    gun north 36.5 pass A-1
09:40      cleared
           closed
10:00    gun north 37.0 pass A-2
           raised suspect-reading north/A-2
           page guard
10:01    gun north 36.5 pass A-2
10:02    gun north 36.4 pass A-2
           cleared
           closed
10:10    gun north 38.5 pass A-3
           raised fever north/A-3
           page doctor
10:15      page worker step 1
10:20    gun north 34.1 pass A-4
           rejected implausible
10:25      page police step 2
