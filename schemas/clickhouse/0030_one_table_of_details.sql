-- Its rows stand in subject_details. A file of its own, since 0029_subject_details.sql needs it whenever it is run.
DROP TABLE IF EXISTS {database}.subject_devices_mv;
DROP TABLE IF EXISTS {database}.subject_devices;
