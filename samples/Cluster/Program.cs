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

var quick = new Option<bool>("--quick") { Description = "Shorter: two seconds for each step." };
var garnet = new Option<bool>("--garnet") { Description = "Use Garnet in this process, even where redis-server is installed." };
var serve = new Option<bool>("--serve") { Description = "Keep the gateways and agents that are left running afterwards, until Ctrl+C." };
var root = new RootCommand("Three gateways behind a balancer share four agents: one gateway is killed and one drains while requests go on.") { quick, garnet, serve };
root.SetAction((parsed, cancellationToken) => Demo.RunAsync(parsed.GetValue(quick), parsed.GetValue(garnet), parsed.GetValue(serve), cancellationToken));
return await root.Parse(args).InvokeAsync();
