using System.CommandLine;
using ClusterSample;

// The demonstration starts this program again, as the gateways and the agents.
switch (args)
{
    case ["gateway"]:
        return await Roles.RunGatewayAsync();
    case ["agent"]:
        return await Roles.RunAgentAsync();
}

var quick = new Option<bool>("--quick") { Description = "A short run, with two seconds for most steps." };
var garnet = new Option<bool>("--garnet") { Description = "Use Garnet in this process, even if redis-server is installed." };
var serve = new Option<bool>("--serve") { Description = "Keep the remaining gateways and agents running afterwards, until Ctrl+C." };
var root = new RootCommand("Three gateways behind a balancer share four agents. Under load, one gateway is killed and one drains.") { quick, garnet, serve };
root.SetAction((parsed, cancellationToken) => Demo.RunAsync(parsed.GetValue(quick), parsed.GetValue(garnet), parsed.GetValue(serve), cancellationToken));
return await root.Parse(args).InvokeAsync();
