# Two of at most three readings of one pass: a fever, the doctor's; worker after 5, police after 15 min.
until 10:40
09:00    gun north 36.4 pass A-0192
09:30    gun north 37.0 pass A-0193
           raised suspect-reading north/A-0193
           page guard
09:31    gun north 36.5 pass A-0193
09:32    gun north 37.1 pass A-0193
           raised fever north/A-0193
           page doctor
           cleared suspect-reading
           closed
09:37      page worker step 1 fever
09:47      page police step 2
10:32      page supervisor step 3
