"""Pure decisions: functions of values, without I/O, which the steps then act on."""
