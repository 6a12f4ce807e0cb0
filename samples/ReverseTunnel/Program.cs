using System.CommandLine;
using ReverseTunnelSample;

// Starts a gateway and two agents, each a process, and sends requests while one agent is restarted and the other is killed.
var quick = new Option<bool>("--quick") { Description = "A short run, with one second for each step." };
var serve = new Option<bool>("--serve") { Description = "Keep the gateway and the agents running afterwards, until Ctrl+C." };
var root = new RootCommand("Serves two instances of an app that open no port through a gateway. Under load, one is restarted and the other is killed.") { quick, serve };
root.SetAction((parsed, cancellationToken) => Demo.RunAsync(parsed.GetValue(quick), parsed.GetValue(serve), cancellationToken));
return await root.Parse(args).InvokeAsync();
