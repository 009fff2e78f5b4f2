module daybreak/lab/standins

go 1.26
