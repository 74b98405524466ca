until 12:00
09:00    command {"command":"check-assigned","check":"c-17","grid":"g017","due":"10:30","by":"sup-1","role":"supervisor"}
10:30      raised overdue-check g017
           page worker
           page supervisor step 1
10:50    command {"command":"check-returned","check":"c-17","by":"w1","role":"worker"}
           cleared
           closed
10:51    command {"command":"check-returned","check":"c-18","by":"w1","role":"worker"}
           rejected unknown-subject
