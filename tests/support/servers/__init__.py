"""Real servers on free ports of the loopback interface, as an ordinary user even where the tests are root."""
