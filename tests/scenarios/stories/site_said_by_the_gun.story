# The payload's site wins over the fleet's; an unknown one is "not said", 37.3.
until 09:39
09:30    gun north 37.2 pass A-1 site axilla
09:31    gun north 37.2 pass A-2 site elbow
09:32    gun north 37.2 pass A-3 site neck
           raised suspect-reading north/A-3
           page guard
09:33    gun south 37.2 pass B-1
09:34    gun south 37.3 pass B-2
           raised suspect-reading south/B-2
           page guard
