using System.CommandLine;
using MtaTls.Tool;
using MtaTls.Tool.Output;

// A terminal that has gone must not stop what runs behind it from ending in order.
var terminal = new Terminal(Console.Out, Console.Error);
using var signals = new Signals(terminal);
RootCommand root = MtaTlsCommand.Create(terminal);
ParseResult parsed = root.Parse(args);
int code = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = true }, signals.Stopping);
return parsed.Errors.Count > 0 ? ExitCode.Usage : code;
