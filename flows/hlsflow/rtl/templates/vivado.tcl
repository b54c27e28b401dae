# Synthesizes, places and routes @@{top} out of context: vivado -mode batch -source vivado.tcl
set_part @@{part}
read_verilog [list @@{sources}]
read_mem [glob -nocomplain *.mem]
read_xdc @@{top}.xdc
synth_design -top @@{top} -part @@{part} -mode out_of_context
opt_design
place_design
route_design
report_utilization -hierarchical -file utilization.rpt
report_timing_summary -file timing.rpt
