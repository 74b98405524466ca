# One over and nothing after it: the worker after 10 min; it closes by itself 60 min after the raising.
until 11:00
09:30    gun north 37.0 pass A-0193
           raised suspect-reading north/A-0193
           page guard
09:40      page worker step 1
10:30      closed
