# For 90 s the next readings are the same person's.  One of 37.3 or more is let go only when the guard confirms it.
until 11:40
09:30    gun north 37.0
           raised suspect-reading north/gun-north@2020-02-16T09:30:00+08:00
           page guard
09:30:30 gun north 36.4
09:31    gun north 36.5
           cleared
           closed
09:40    gun north 37.4
           raised suspect-reading north/gun-north@2020-02-16T09:40:00+08:00
           page guard
09:40:30 gun north 36.4
09:41    gun north 36.5
09:45    gun north 36.5
09:50      page worker step 1
10:00    gun north 37.5
           raised suspect-reading north/gun-north@2020-02-16T10:00:00+08:00
           page guard
10:00:30 gun north 36.4
10:01    gun north 36.5
10:02    guard retests north/gun-north@2020-02-16T10:00:00+08:00
           cleared
           closed
10:10    gun north 37.5
           raised suspect-reading north/gun-north@2020-02-16T10:10:00+08:00
           page guard
10:11:31 gun north 37.6
           raised suspect-reading north/gun-north@2020-02-16T10:11:31+08:00
           page guard
10:12    gun north 37.7
           raised fever north/gun-north@2020-02-16T10:11:31+08:00
           page doctor
           cleared suspect-reading
           closed
10:17      page worker step 1 fever
10:20      page worker step 1 suspect-reading north/gun-north@2020-02-16T10:10:00+08:00
10:27      page police step 2 fever north/gun-north@2020-02-16T10:11:31+08:00
10:40      closed suspect-reading north/gun-north@2020-02-16T09:40:00+08:00
11:10      closed suspect-reading north/gun-north@2020-02-16T10:10:00+08:00
11:12      page supervisor step 3 fever north/gun-north@2020-02-16T10:11:31+08:00
