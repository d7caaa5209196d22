module poolproof/bench

go 1.19
