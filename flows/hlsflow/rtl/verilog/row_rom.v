// A memory of constant rows with a registered read, as block RAM has it; of a shallow one the tool may make LUTs.
module row_rom #(
    parameter WIDTH = 8,
    parameter DEPTH = 2,
    parameter ADDRESS_WIDTH = 1,
    parameter SHALLOW = 64,
    parameter ROWS = ""        // file with one row in each line, hexadecimal
) (
    input  wire                     clk,
    input  wire                     enable,
    input  wire [ADDRESS_WIDTH-1:0] address,
    output reg  [WIDTH-1:0]         row
);
    generate
        if (DEPTH > SHALLOW) begin : deep
            (* rom_style = "block" *) reg [WIDTH-1:0] rows [0:DEPTH-1];
            initial $readmemh(ROWS, rows);
            always @(posedge clk) if (enable) row <= rows[address];
        end else begin : shallow
            reg [WIDTH-1:0] rows [0:DEPTH-1];
            initial $readmemh(ROWS, rows);
            always @(posedge clk) if (enable) row <= rows[address];
        end
    endgenerate
endmodule
