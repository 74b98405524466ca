# Where the ambient temperature makes a reading unreliable a high one counts, a low one neither counts nor clears.
until 11:00
09:30    gun north 37.0 pass A-1 ambient -5
           raised suspect-reading north/A-1
           page guard
09:31    gun north 36.5 pass A-1 ambient -5
09:32    gun north 36.5 pass A-1 ambient -5
09:33    gun north 36.5 pass A-1
09:40      cleared
           closed
