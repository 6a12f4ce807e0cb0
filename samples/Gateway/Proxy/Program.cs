WebApplicationBuilder builder = WebApplication.CreateBuilder(args);

builder.WebHost.UseMtaTls();
builder.Services.AddReverseProxy()
    .LoadFromConfig(builder.Configuration.GetSection("ReverseProxy"))
    .AddMtaTlsRouting();
builder.Services.AddMtaTlsDashboard();

WebApplication app = builder.Build();

// The live page, for browsers on this machine in Development. In production add .RequireAuthorization("a policy").
app.MapMtaTlsDashboard("/mta-tls");
app.MapReverseProxy().WithMtaTlsInspector();

app.Run();
