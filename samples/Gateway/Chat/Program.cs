using Chat;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);

builder.Services.AddSignalR();

WebApplication app = builder.Build();

app.MapHub<ChatHub>("/chatHub");

app.Run();
