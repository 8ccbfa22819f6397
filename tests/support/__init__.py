"""What tests of several kinds share: waiting, servers, samples."""
